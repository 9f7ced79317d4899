// docs/guides/scaling.md says which commands a Redis user needs: with those, and no others, everything works.
import { readFileSync } from 'node:fs'
import test from 'ava'
import { Redis } from 'ioredis'
import { errorOf } from '../helpers/errors.mjs'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import { begin, nothingLeft, openClient, openRemote, openWorker } from '../helpers/remote-open.mjs'
import { forkWorker } from '../helpers/remote-worker.mjs'

const guide = readFileSync(new URL('../../docs/guides/scaling.md', import.meta.url), 'utf8')

withRedis(test, 'a Redis user with few rights', () => {
  const redis = redisFor(test)

  test.serial('the commands of the guide are enough', async (t) => {
    // With another queue's name, as it says.
    const command = /ACL SETUSER [^`]*/.exec(guide)[0].replaceAll('bull:heavy-load:', 'bull:jobs:')
    const admin = openClient(t, redis)
    await admin.call(...command.trim().split(/\s+/))
    const connection = `redis://heavy-load:PASSWORD@127.0.0.1:${redis.port}`
    const place = { queue: 'jobs', connection }
    const remote = openRemote(t, redis, { ...place, attempts: 2 })
    const told = []
    const fast = { ...place, lockDuration: 500, onError: (error) => told.push(error) }
    const worker = await openWorker(t, redis, remote, fast)
    for (const priority of ['high', 'normal', 'low']) {
      const tasks = Array.from({ length: 10 }, () => remote.run('sort', Uint8Array.of(2, 1), { priority }))
      for (const sorted of await Promise.all(tasks)) t.deepEqual(sorted, Uint8Array.of(1, 2))
    }
    t.true((await remote.run('spin', 700, { onProgress() {} })) >= 700, 'longer than its lock')
    t.is((await errorOf(remote.run('no kernel', 1))).code, 'ERR_UNKNOWN_KERNEL')
    t.is((await errorOf(remote.run('spin', 1e12, { timeout: 300 }))).code, 'ERR_TASK_TIMEOUT')
    // What is given back, passed on, and left by a worker that dies.
    const { promise } = await begin(remote)
    const victim = await forkWorker(t, redis, remote, { ...place, lockDuration: 500, protocol: 0 })
    const other = await openWorker(t, redis, remote, fast)
    await worker.close({ force: true })
    await victim.kill()
    const died = await forkWorker(t, redis, remote, { ...place, lockDuration: 300, stalledInterval: 50 })
    await died.kill()
    t.is(await remote.run('heavyLoad', 10), 10)
    await remote.close({ force: true })
    t.is((await errorOf(promise)).code, 'ERR_POOL_CLOSED')
    await nothingLeft(t, admin, remote)
    await other.close()
    t.deepEqual(
      told.filter(({ message }) => /NOPERM/.test(message)),
      [],
    )
    // Redis itself says what it has refused.
    t.deepEqual(await admin.call('ACL', 'LOG'), [])
    const stranger = new Redis(connection)
    t.teardown(() => stranger.disconnect())
    t.regex((await errorOf(stranger.call('KEYS', '*'))).message, /NOPERM/)
  })
})
