// No worker is there, or no Redis: callers are told that, and not that their work was slow.
import test from 'ava'
import { hash, heavyLoad, sort, spin } from 'heavy-load'
import { freePort, startRedis } from '../../tools/redis.mjs'
import { errorOf } from '../helpers/errors.mjs'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import { begin, eventually, keysIn, nothingLeft, openAll, openClient, openRemote } from '../helpers/remote-open.mjs'

withRedis(test, 'nobody there', () => {
  const redis = redisFor(test)

  /** A pool that knows that there is no worker. */
  async function withoutWorkers(t) {
    const { remote, client, worker } = await openAll(t, redis)
    t.is(await remote.run('heavyLoad', 10), 10)
    await worker.close()
    await eventually(() => remote.threads === 0, 'a pool without workers')
    return { remote, client }
  }

  test.serial('no worker: ERR_REMOTE when the time is over, and nothing is left', async (t) => {
    const { remote, client } = await withoutWorkers(t)
    const error = await errorOf(hash(new Uint8Array(100), { pool: remote, timeout: 100 }))
    t.is(error.code, 'ERR_REMOTE')
    t.is(error.cause.message, `No worker takes jobs of the queue '${remote.name}'`)
    await nothingLeft(t, client, remote)
  })

  test.serial('a worker that takes its leave has what it has begun: that is slow work', async (t) => {
    const { remote, worker } = await openAll(t, redis)
    const { promise } = await begin(remote, { timeout: 2000 })
    const closed = worker.close()
    await eventually(() => remote.threads === 0, 'a pool without workers')
    t.is((await errorOf(promise)).code, 'ERR_TASK_TIMEOUT')
    await closed
  })

  test.serial('no Redis: ERR_REMOTE when the time is over, at first and later', async (t) => {
    const own = await startRedis()
    t.teardown(() => own.stop())
    const { remote } = await openAll(t, own)
    t.is(await remote.run('heavyLoad', 10), 10)
    await own.end()
    const never = openRemote(t, { url: `redis://127.0.0.1:${await freePort()}` })
    for (const pool of [remote, never]) {
      const error = await errorOf(spin(1, { pool, timeout: 500 }))
      t.is(error.code, 'ERR_REMOTE')
      t.regex(error.message, /Redis at 127\.0\.0\.1:\d+ is away/)
      t.regex(error.cause.message, /ECONNREFUSED|connection is lost|Connection is closed/)
    }
  })

  test.serial('a Redis that does not answer is away, too', async (t) => {
    const { remote, client } = await openAll(t, redis)
    t.is(await remote.run('heavyLoad', 10), 10)
    await client.call('CLIENT', 'PAUSE', '4000', 'ALL')
    const error = await errorOf(spin(1, { pool: remote, timeout: 3000 }))
    t.is(error.code, 'ERR_REMOTE')
    t.regex(error.message, /is away/)
  })

  test.serial('arguments that are wrong are told without a worker, and without a Redis', async (t) => {
    const never = openRemote(t, { url: `redis://127.0.0.1:${await freePort()}` })
    const bytes = new Uint8Array(8)
    for (const [call, code] of [
      [() => heavyLoad(-1, { pool: never }), 'ERR_OUT_OF_RANGE'],
      [() => heavyLoad('many', { pool: never }), 'ERR_INVALID_ARG_TYPE'],
      [() => hash(bytes, { pool: never, algorithm: 'md5', transfer: true }), 'ERR_INVALID_ARG_VALUE'],
      [() => sort([3, 1], { pool: never }), 'ERR_INVALID_ARG_TYPE'],
    ]) {
      t.is((await errorOf(call())).code, code)
    }
    t.is(bytes.length, 8, 'nothing is taken away for it')
    t.is(never.stats().failed, 0, 'it counts nowhere')
    const { remote, client } = await withoutWorkers(t)
    await t.throwsAsync(heavyLoad(-1, { pool: remote }), { code: 'ERR_OUT_OF_RANGE' })
    t.deepEqual(
      (await keysIn(client, remote)).filter((key) => !key.includes(':replies:')),
      [],
    )
  })

  test.serial('errors that come back are known as ours, with the fault they had', async (t) => {
    const { remote, worker } = await openAll(t, redis)
    // What only the worker finds out.
    const { run } = worker.pool
    worker.pool.run = (kernel, _input, options) => run.call(worker.pool, kernel, -1, options)
    const error = await errorOf(remote.run('heavyLoad', 1))
    t.is(error.code, 'ERR_OUT_OF_RANGE')
    t.is(error[Symbol.for('heavy-load.error')], 'input')
  })

  test.serial('who closes is not kept by what is away', async (t) => {
    const own = await startRedis()
    t.teardown(() => own.stop())
    const remote = openRemote(t, own)
    const client = openClient(t, own)
    const task = errorOf(remote.run('heavyLoad', 10))
    await eventually(async () => (await keysIn(client, remote)).length > 0, 'a job')
    await own.end()
    await remote.close({ force: true })
    t.is((await task).code, 'ERR_POOL_CLOSED')
  })
})
