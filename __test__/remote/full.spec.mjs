// A Redis that has no room for answers, for a while.
import test from 'ava'
import { errorOf } from '../helpers/errors.mjs'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import { eventually, nothingLeft, openAll } from '../helpers/remote-open.mjs'

const MIB = 2 ** 20
const OPTIONS = { worker: { lockDuration: 500 } }

withRedis(test, 'a full Redis', () => {
  const redis = redisFor(test)

  /** What it refuses from now on, it refuses for want of room. */
  const fill = async (client) => {
    await client.config('RESETSTAT')
    await client.config('SET', 'maxmemory', '1')
  }
  const refused = (client) => async () => /cmdstat_xadd:.*rejected_calls=[1-9]/.test(await client.info('commandstats'))
  const empty = (client) => client.config('SET', 'maxmemory', '0')

  test.serial('an answer that is refused is sent again', async (t) => {
    const { remote, client, worker } = await openAll(t, redis, OPTIONS)
    t.teardown(() => empty(client))
    let ended = false
    const task = remote.run('spin', 300).finally(() => {
      ended = true
    })
    await eventually(() => worker.pool.stats().running === 1, 'a running task')
    await fill(client)
    await eventually(refused(client), 'a refusal')
    t.false(ended)
    await empty(client)
    t.true((await task) >= 300)
    await nothingLeft(t, client, remote)
  })

  test.serial('bytes that are refused are offered again, and not computed again', async (t) => {
    const told = []
    const { remote, client, worker } = await openAll(t, redis, {
      // One attempt: to compute it once more would fail.
      remote: { attempts: 1 },
      worker: { ...OPTIONS.worker, onError: (error) => told.push(error.message) },
    })
    t.teardown(() => empty(client))
    const { run } = worker.pool
    let runs = 0
    let computed = () => {}
    const done = new Promise((resolve) => {
      computed = resolve
    })
    // When it has been computed, Redis is full.
    worker.pool.run = async (...call) => {
      runs++
      const result = await run.apply(worker.pool, call)
      await fill(client)
      computed()
      return result
    }
    const task = remote.run('sort', Float64Array.of(3, 1, 2))
    await done
    const evals = async () => /cmdstat_hset:.*rejected_calls=[2-9]/.test(await client.info('commandstats'))
    await eventually(evals, 'two refusals')
    await empty(client)
    t.deepEqual(await task, Float64Array.of(1, 2, 3))
    t.is(runs, 1)
    t.true(told.some((message) => message.includes('refuses results: OOM')))
    await nothingLeft(t, client, remote)
  })

  test.serial('bytes that are refused are not offered past the deadline', async (t) => {
    const { remote, client, worker } = await openAll(t, redis, OPTIONS)
    t.teardown(() => empty(client))
    const { run } = worker.pool
    worker.pool.run = async (...call) => {
      const result = await run.apply(worker.pool, call)
      await fill(client)
      return result
    }
    const task = remote.run('sort', Float64Array.of(3, 1, 2), { timeout: 1500 })
    await t.throwsAsync(task, { code: 'ERR_TASK_TIMEOUT' })
    await empty(client)
    worker.pool.run = run
    t.is(await remote.run('heavyLoad', 10), 10)
    await nothingLeft(t, client, remote)
  })

  test.serial('progress that is refused does not come later', async (t) => {
    const { remote, client, worker } = await openAll(t, redis, OPTIONS)
    t.teardown(() => empty(client))
    const told = []
    const task = remote.run('spin', 500, { onProgress: (fraction) => told.push(fraction) })
    await eventually(() => worker.pool.stats().running === 1, 'a running task')
    await fill(client)
    await eventually(refused(client), 'a refusal')
    await eventually(() => worker.pool.stats().running === 0, 'the end')
    await empty(client)
    t.true((await task) >= 500)
    t.is(told.at(-1), 1)
    t.deepEqual(
      told,
      [...told].sort((a, b) => a - b),
    )
    await nothingLeft(t, client, remote)
  })

  test.serial('a worker that is closed has its answers taken first', async (t) => {
    const { remote, client, worker } = await openAll(t, redis, OPTIONS)
    t.teardown(() => empty(client))
    const task = remote.run('spin', 300)
    await eventually(() => worker.pool.stats().running === 1, 'a running task')
    await fill(client)
    const closed = worker.close()
    await eventually(refused(client), 'a refusal')
    await empty(client)
    await closed
    t.true((await task) >= 300)
  })

  test.serial('bytes that there is not room for are removed', async (t) => {
    const { remote, client } = await openAll(t, redis, OPTIONS)
    t.is(await remote.run('heavyLoad', 10), 10)
    t.teardown(() => empty(client))
    const [, used] = /used_memory:(\d+)/.exec(await client.info('memory'))
    // The first of them are taken.
    await client.config('SET', 'maxmemory', String(Number(used) + 8 * MIB))
    const control = new AbortController()
    for (const options of [{}, { signal: control.signal }]) {
      const task = remote.run('hash', new Uint8Array(40 * MIB), options)
      if ('signal' in options) control.abort()
      const error = await errorOf(task)
      t.is(error.code, 'signal' in options ? 'ABORT_ERR' : 'ERR_REMOTE')
      await nothingLeft(t, client, remote)
    }
  })

  test.serial('a task that is refused says so', async (t) => {
    const { remote, client } = await openAll(t, redis, OPTIONS)
    t.is(await remote.run('heavyLoad', 10), 10)
    t.teardown(() => empty(client))
    await fill(client)
    const error = await t.throwsAsync(remote.run('heavyLoad', 10), { code: 'ERR_REMOTE' })
    t.regex(error.cause.message, /OOM/)
    await empty(client)
    t.is(await remote.run('heavyLoad', 10), 10)
  })
})
