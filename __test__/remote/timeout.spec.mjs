// `timeout`, wherever a task is.
import test from 'ava'
import { sort } from 'heavy-load'
import { idle } from '../helpers/pool.mjs'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import { begin, nothingLeft, openAll, openClient, openRemote, openWorker } from '../helpers/remote-open.mjs'

withRedis(test, 'timeouts of remote tasks', () => {
  const redis = redisFor(test)

  test.serial('in the queue behind another', async (t) => {
    const { remote, client, worker } = await openAll(t, redis, { worker: { concurrency: 1 } })
    const control = new AbortController()
    await begin(remote, { signal: control.signal })
    const { completed } = worker.pool.stats()
    await t.throwsAsync(sort(new Uint8Array(100), { pool: remote, timeout: 100 }), { code: 'ERR_TASK_TIMEOUT' })
    control.abort()
    await idle(worker.pool)
    await nothingLeft(t, client, remote)
    t.is(worker.pool.stats().completed, completed, 'it never ran')
  })

  test.serial('while it runs: its worker stops', async (t) => {
    const { remote, client, worker } = await openAll(t, redis)
    const { promise } = await begin(remote, { timeout: 500 })
    await t.throwsAsync(promise, { code: 'ERR_TASK_TIMEOUT' })
    await idle(worker.pool)
    await nothingLeft(t, client, remote)
  })

  test.serial('also when its worker does not hear that it is to stop', async (t) => {
    const remote = openRemote(t, redis)
    const client = openClient(t, redis)
    const worker = await openWorker(t, redis, remote)
    const { promise } = await begin(remote, { timeout: 1000 })
    // Nobody hears what is told now; the job's own deadline is left.
    await client.client('KILL', 'TYPE', 'pubsub')
    await t.throwsAsync(promise, { code: 'ERR_TASK_TIMEOUT' })
    await idle(worker.pool)
  })

  test.serial('longer than a timer can be', async (t) => {
    const { remote } = await openAll(t, redis)
    for (const timeout of [2 ** 31, 2 ** 40, Number.MAX_VALUE, Infinity]) {
      t.is(await remote.run('heavyLoad', 1000, { timeout }), 1000)
    }
  })
})
