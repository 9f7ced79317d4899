// A remote pool is a pool: it refuses what would be late, says what it holds, and tells when there is room again.
import { EventEmitter, once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { defaultPool } from 'heavy-load'
import { openPool, outcome } from '../helpers/pool.mjs'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import { begin, eventually, nothingLeft, openAll, openClient, openRemote, openWorker } from '../helpers/remote-open.mjs'

/** Milliseconds of a task, and what it may take. */
const WORK = 20
const TIMEOUT = 600
/** Tasks by which the capacity is measured, and those of an overload. */
const MEASURED = 60
const OFFERED = 750

withRedis(test, 'remote pools under load', () => {
  const redis = redisFor(test)

  function countsOf(outcomes) {
    const counts = { ok: 0, ERR_POOL_OVERLOADED: 0, ERR_TASK_TIMEOUT: 0 }
    for (const code of outcomes) counts[code] = (counts[code] ?? 0) + 1
    return counts
  }

  /** Tasks a second that the workers of a pool do. */
  async function capacity(remote) {
    const began = performance.now()
    await Promise.all(Array.from({ length: MEASURED }, () => remote.run('spin', WORK)))
    return (MEASURED / (performance.now() - began)) * 1e3
  }

  test.serial('at three times the capacity most of what is too much is refused, and little is late', async (t) => {
    const { remote, client } = await openAll(t, redis)
    const perSecond = await capacity(remote)
    const tasks = []
    const began = performance.now()
    while (tasks.length < OFFERED) {
      const due = Math.min(OFFERED, ((performance.now() - began) / 1e3) * 3 * perSecond)
      while (tasks.length < due) tasks.push(outcome(remote.run('spin', WORK, { timeout: TIMEOUT })))
      await sleep(5)
    }
    const counts = countsOf(await Promise.all(tasks))
    const seconds = (performance.now() - began) / 1e3
    const { ok: done, ERR_POOL_OVERLOADED: refused, ERR_TASK_TIMEOUT: late } = counts
    t.log(counts, `${(done / seconds / perSecond).toFixed(2)} of the capacity`)
    t.is(done + refused + late, OFFERED)
    t.true(refused > 2 * late, 'refused')
    t.true(done > late, 'late')
    t.true(done / seconds > perSecond / 3, 'done')
    const { completed, rejected, timedOut, queued, running } = remote.stats()
    t.deepEqual([completed - MEASURED, rejected, timedOut], [done, refused, late])
    t.deepEqual([queued, running], [0, 0])
    await nothingLeft(t, client, remote)
  })

  test.serial('what another caller has put into the queue counts, too', async (t) => {
    const { remote } = await openAll(t, redis, { worker: { concurrency: 4 } })
    const other = openRemote(t, redis, { queue: remote.name })
    const control = new AbortController()
    const perSecond = await capacity(remote)
    // Some seconds of work.
    const others = Array.from({ length: Math.ceil(perSecond * 6) }, () =>
      outcome(other.run('spin', WORK, { signal: control.signal })),
    )
    await eventually(() => other.stats().completed > 20, 'work that is done')
    let refused
    await eventually(async () => {
      refused = await remote.run('heavyLoad', 1, { timeout: 1500 }).catch((error) => error)
      return refused.code === 'ERR_POOL_OVERLOADED'
    }, 'a refusal')
    t.is(typeof refused.retryAfter, 'number')
    t.true(refused.retryAfter > 0 && refused.retryAfter <= 60)
    // Who goes before is let in.
    t.is(await outcome(remote.run('heavyLoad', 1, { timeout: 1500, priority: 'high' })), 'ok')
    control.abort()
    await Promise.all(others)
  })

  test.serial('maxQueue: one more is refused, and keeps its bytes', async (t) => {
    const remote = openRemote(t, redis, { maxQueue: 2 })
    const client = openClient(t, redis)
    const tasks = [remote.run('heavyLoad', 1), remote.run('heavyLoad', 2)]
    const bytes = new Uint8Array(8)
    const error = await t.throwsAsync(remote.run('hash', bytes, { transfer: true }), { code: 'ERR_POOL_OVERLOADED' })
    t.is(bytes.length, 8)
    t.true(error.retryAfter > 0)
    t.like(remote.stats(), { queued: 2, running: 0, rejected: 1 })
    await openWorker(t, redis, remote)
    t.deepEqual(await Promise.all(tasks), [1, 2])
    t.is(await remote.run('heavyLoad', 3), 3)
    await nothingLeft(t, client, remote)
    for (const wrong of [0, -1, 1.5, '5']) {
      t.throws(() => openRemote(t, redis, { maxQueue: wrong }), { message: /"options\.maxQueue"/ })
    }
  })

  test.serial("stats() has the shape of a pool's, and is exact", async (t) => {
    const remote = openRemote(t, redis)
    t.true(remote instanceof EventEmitter)
    t.deepEqual(Object.keys(remote.stats()).sort(), Object.keys(defaultPool.stats()).sort())
    t.like(remote.stats(), { threads: 0, queued: 0, running: 0, utilization: 0 })
    await openWorker(t, redis, remote, { pool: openPool(t, { threads: 2 }), concurrency: 1 })
    await openWorker(t, redis, remote, { pool: openPool(t, { threads: 3 }), concurrency: 1 })
    const began = performance.now()
    t.true((await remote.run('spin', 30)) >= 30)
    const took = performance.now() - began
    await t.throwsAsync(remote.run('heavyLoad', 1, { timeout: 1e-3 }), { code: 'ERR_TASK_TIMEOUT' })
    const control = new AbortController()
    await begin(remote, { signal: control.signal })
    await begin(remote, { signal: control.signal })
    const waits = outcome(remote.run('heavyLoad', 1, { signal: control.signal }))
    await eventually(() => remote.threads === 5, 'five threads')
    t.like(remote.stats(), { threads: 5, queued: 1, running: 2, completed: 1, timedOut: 1, cancelled: 0 })
    control.abort()
    t.is(await waits, 'ABORT_ERR')
    const { wait, run, ...stats } = remote.stats()
    t.like(stats, { queued: 0, running: 0, cancelled: 3, failed: 0, rejected: 0 })
    t.is(run.count, 1)
    t.true(run.p50 >= 29 && run.mean + wait.mean <= took + 1, `${run.mean} and ${wait.mean} of ${took}`)
    t.true(wait.mean >= 0)
  })

  test.serial("'drain' tells when there is room again", async (t) => {
    const { remote } = await openAll(t, redis, { worker: { pool: openPool(t, { threads: 2 }), concurrency: 1 } })
    t.is(await remote.run('heavyLoad', 1), 1)
    t.false(remote.needsDrain)
    const control = new AbortController()
    await begin(remote, { signal: control.signal })
    const tasks = Array.from({ length: 5 }, () => outcome(remote.run('heavyLoad', 1)))
    t.true(remote.needsDrain)
    const drained = once(remote, 'drain')
    control.abort()
    await drained
    t.false(remote.needsDrain)
    await Promise.all(tasks)
  })

  test.serial('map holds as many tasks as the workers that are there can take', async (t) => {
    const remote = openRemote(t, redis)
    for (let count = 0; count < 2; count++) {
      await openWorker(t, redis, remote, { pool: openPool(t, { threads: 4 }) })
    }
    // Before anything is known of them: it learns while it goes on.
    t.is(remote.threads, 0)
    const control = new AbortController()
    let pulled = 0
    function* inputs() {
      for (;;) {
        pulled++
        yield pulled === 1 ? 1 : 1e12
      }
    }
    const results = remote.map('spin', inputs(), { signal: control.signal })
    t.is((await results.next()).value.index, 0)
    const next = results.next()
    await eventually(() => remote.stats().running >= 32, 'workers that have all the tasks')
    t.is(pulled, 33, 'those, and the one that is done')
    t.like(remote.stats(), { queued: 0, running: 32 })
    control.abort()
    await t.throwsAsync(next, { code: 'ABORT_ERR' })
    t.is(remote.threads, 8)
  })
})
