// A storm of logins queues: it ends no process, and no login is lost.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import test from 'ava'
import { redisFor, withRedis } from '../../../__test__/helpers/redis.mjs'
import { openRemote } from '../../../__test__/helpers/remote-open.mjs'
import { forkWorker } from '../../../__test__/helpers/remote-worker.mjs'

// The limit of data is Linux's: node reserves far more address space than it uses.
const onLinux = process.platform === 'linux' ? test : test.skip
onLinux('200 logins of 64 MiB at once in a process limited to 512 MiB all end', (t) => {
  t.timeout(120_000)
  const storm = join(import.meta.dirname, 'fixtures/storm.mjs')
  const { status, stdout, stderr } = spawnSync(
    'sh',
    ['-c', 'ulimit -d 524288; exec "$0" "$1"', process.execPath, storm],
    // Two at a time: on a machine of many cores, as many as fit.
    { encoding: 'utf8', env: { ...process.env, HEAVY_LOAD_THREADS: '2' } },
  )
  t.is(status, 0, stderr)
  t.deepEqual(JSON.parse(stdout), { right: 100, wrong: 100, refused: 0 })
})

withRedis(test, 'passwords on other machines', () => {
  const redis = redisFor(test)

  test("a RemotePool's worker loads the pack that a job's kernel is of", async (t) => {
    const remote = openRemote(t, redis)
    await forkWorker(t, redis, remote)
    const hash = await remote.run('hashPassword', 'secret', { memoryCost: 64, timeCost: 1 })
    t.true(await remote.run('verifyPassword', 'secret', { hash }))
  })
})
