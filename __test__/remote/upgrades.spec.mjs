// Workers of several versions at a queue, as there are while they are upgraded: what one cannot do, another does.
import test from 'ava'
import { Queue } from 'bullmq'
import { Pool } from 'heavy-load'
import { errorOf } from '../helpers/errors.mjs'
import { openPool } from '../helpers/pool.mjs'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import {
  begin,
  eventually,
  keysIn,
  nothingLeft,
  openAll,
  openClient,
  openRemote,
  openWorker,
} from '../helpers/remote-open.mjs'
import { forkWorker } from '../helpers/remote-worker.mjs'

withRedis(test, 'rolling upgrades', () => {
  const redis = redisFor(test)

  test.serial('one worker of an older protocol fails none of 200 jobs', async (t) => {
    // One attempt: that a job was passed on counts as none.
    const remote = openRemote(t, redis, { attempts: 1 })
    const client = openClient(t, redis)
    const old = await forkWorker(t, redis, remote, { protocol: 0, lockDuration: 10_000 })
    await openWorker(t, redis, remote)
    const results = await Promise.all(Array.from({ length: 200 }, (_, index) => remote.run('heavyLoad', 1e5 + index)))
    t.deepEqual(
      results,
      Array.from({ length: 200 }, (_, index) => 1e5 + index),
    )
    t.is((await old.ask('stats')).completed, 0)
    await nothingLeft(t, client, remote)
  })

  test.serial('where all are of another protocol the call ends, and says so', async (t) => {
    const remote = openRemote(t, redis)
    const client = openClient(t, redis)
    for (const protocol of [0, 2]) await forkWorker(t, redis, remote, { protocol })
    const error = await errorOf(remote.run('heavyLoad', 1))
    t.is(error.code, 'ERR_REMOTE')
    t.regex(error.message, /version 1 of heavy-load's messages/)
    await nothingLeft(t, client, remote)
  })

  test.serial("BullMQ shows each worker's protocol", async (t) => {
    const remote = openRemote(t, redis)
    await openWorker(t, redis, remote)
    const queue = new Queue(remote.name, { connection: { port: redis.port } })
    t.teardown(() => queue.close())
    await eventually(async () => (await queue.getWorkers()).length === 1, 'a worker')
    const [{ rawname }] = await queue.getWorkers()
    t.regex(rawname, /heavy-load@\d+\.\d+\.\d+\S*\/protocol-1$/)
  })

  /** A pool as that of an older version, which does not know a kernel yet. */
  function without(t, missing) {
    const pool = openPool(t, { threads: 1 })
    pool.run = (kernel, ...rest) => Pool.prototype.run.call(pool, kernel === missing ? 'no kernel' : kernel, ...rest)
    return pool
  }

  test.serial('a kernel that one worker lacks is done by the other', async (t) => {
    const remote = openRemote(t, redis, { attempts: 1 })
    const client = openClient(t, redis)
    await openWorker(t, redis, remote, { pool: without(t, 'spin') })
    await openWorker(t, redis, remote)
    for (const value of await Promise.all(Array.from({ length: 20 }, () => remote.run('spin', 1)))) t.true(value >= 1)
    await nothingLeft(t, client, remote)
  })

  test.serial('a kernel that all workers lack ends the call', async (t) => {
    const remote = openRemote(t, redis)
    const client = openClient(t, redis)
    for (let count = 0; count < 2; count++) await openWorker(t, redis, remote, { pool: without(t, 'spin') })
    await t.throwsAsync(remote.run('spin', 1), { code: 'ERR_UNKNOWN_KERNEL' })
    await nothingLeft(t, client, remote)
  })

  test.serial('what a worker is too busy for, another does', async (t) => {
    const remote = openRemote(t, redis, { attempts: 1 })
    const busy = openPool(t, { threads: 1, maxQueue: 0 })
    await openWorker(t, redis, remote, { pool: busy })
    const control = new AbortController()
    const { promise } = await begin(remote, { signal: control.signal })
    t.is(busy.stats().running, 1)
    await openWorker(t, redis, remote)
    for (let count = 0; count < 10; count++) t.is(await remote.run('heavyLoad', 10), 10)
    control.abort()
    await errorOf(promise)
  })

  /** How often workers have passed on the job of a kernel. */
  async function timesPassedOn(client, remote, kernel) {
    for (const key of await keysIn(client, remote)) {
      const fields = (await client.type(key)) === 'hash' ? await client.hgetall(key) : {}
      if (fields.name !== kernel) continue
      const counts = Object.entries(fields).filter(([field]) => field.startsWith('heavy-load:passed-by:'))
      return counts.reduce((sum, [, count]) => sum + Number(count), 0)
    }
    return 0
  }

  test.serial('a worker that is too busy no more does what it has passed on', async (t) => {
    const remote = openRemote(t, redis, { attempts: 1 })
    const client = openClient(t, redis)
    const busy = openPool(t, { threads: 1, maxQueue: 0 })
    await openWorker(t, redis, remote, { pool: busy })
    const control = new AbortController()
    const { promise } = await begin(remote, { signal: control.signal })
    // Another is there, and has its hands full for good.
    await openWorker(t, redis, remote, { concurrency: 1 })
    await begin(remote)
    const { rejected } = busy.stats()
    const task = remote.run('heavyLoad', 10, { timeout: 30_000 })
    let passed = 0
    await eventually(async () => {
      passed = await timesPassedOn(client, remote, 'heavyLoad')
      return passed >= 4
    }, 'a job that was passed on four times')
    t.true(busy.stats().rejected - rejected >= passed, 'tried each time')
    control.abort()
    await errorOf(promise)
    t.is(await task, 10)
  })

  test.serial('a worker that is alone and too busy says so', async (t) => {
    const { remote } = await openAll(t, redis, {
      remote: { attempts: 1 },
      worker: { pool: openPool(t, { threads: 1, maxQueue: 0 }) },
    })
    const control = new AbortController()
    const { promise } = await begin(remote, { signal: control.signal })
    const error = await errorOf(remote.run('heavyLoad', 10))
    t.is(error.code, 'ERR_POOL_OVERLOADED')
    t.true(error.retryAfter >= 0)
    control.abort()
    await errorOf(promise)
  })
})
