// maxQueue: how many tasks may wait, and what becomes of those that may not.
import test from 'ava'
import { heavyLoadShared, spin } from 'heavy-load'
import { ENDLESS, hold, idle, openPool, outcome } from '../helpers/pool.mjs'
import { turn } from '../helpers/turns.mjs'

const OVERLOADED = 'ERR_POOL_OVERLOADED'

test.serial('with 0, a task runs only on an idle thread', async (t) => {
  const pool = openPool(t, { threads: 2, maxQueue: 0 })
  t.is(await outcome(pool.run('spin', 1)), 'ok')
  const release = await hold(pool)
  t.is(await outcome(pool.run('spin', 1)), OVERLOADED)
  t.is(await outcome(spin(1, { pool, priority: 'high' })), OVERLOADED)
  await release()
  await idle(pool)
  t.is(await outcome(pool.run('spin', 1)), 'ok')
})

test.serial('with 0, one task after the other is never refused', async (t) => {
  const pool = openPool(t, { threads: 1, maxQueue: 0 })
  for (let number = 0; number < 1000; number++) await pool.run('heavyLoad', number)
  t.like(pool.stats(), { completed: 1000, rejected: 0 })
})

test.serial('with n, n tasks wait while the threads are busy', async (t) => {
  const pool = openPool(t, { threads: 2, maxQueue: 3 })
  const release = await hold(pool)
  const tasks = Array.from({ length: 5 }, () => outcome(pool.run('spin', 1)))
  t.deepEqual(await Promise.all(tasks.slice(3)), [OVERLOADED, OVERLOADED])
  t.is(pool.stats().queued, 3)
  await release()
  t.deepEqual(await Promise.all(tasks.slice(0, 3)), ['ok', 'ok', 'ok'])
  t.like(pool.stats(), { completed: 3, rejected: 2, queued: 0 })
})

for (const [threads, maxQueue] of [
  [1, 0],
  [1, 2],
  [2, 0],
  [2, 3],
  [4, 1],
]) {
  test.serial(
    `an idle pool of ${threads} threads and maxQueue ${maxQueue} takes a burst of as many as both`,
    async (t) => {
      // However fast its threads take tasks up: many times, because that is a race.
      for (let round = 0; round < 200; round++) {
        const pool = openPool(t, { threads, maxQueue, niceness: 19 })
        const codes = []
        const burst = threads + maxQueue + 3
        const options = { maxThreads: 1 }
        const tasks = Array.from({ length: burst }, async () =>
          codes.push(await outcome(pool.run('heavyLoad', ENDLESS, options))),
        )
        await turn()
        t.deepEqual(codes, Array(3).fill(OVERLOADED))
        await pool.close({ force: true })
        await Promise.all(tasks)
      }
    },
  )
}

test.serial('without a limit, any number waits', async (t) => {
  const pool = openPool(t, { threads: 1, maxQueue: Infinity })
  const release = await hold(pool)
  const tasks = Array.from({ length: 20_000 }, () => pool.run('heavyLoad', 1))
  t.is(pool.stats().queued, 20_000)
  await release()
  await Promise.all(tasks)
  t.is(pool.stats().rejected, 0)
})

test.serial('the error says in how many seconds to try again', async (t) => {
  const pool = openPool(t, { threads: 1, maxQueue: 0 })
  const release = await hold(pool)
  const error = await t.throwsAsync(pool.run('spin', 1), { name: 'HeavyLoadError', code: OVERLOADED })
  t.true(Number.isInteger(error.retryAfter) && error.retryAfter >= 1, String(error.retryAfter))
  await release()
})

test.serial('a refused call keeps its buffer', async (t) => {
  const pool = openPool(t, { threads: 1, maxQueue: 0 })
  const release = await hold(pool)
  const view = Uint32Array.of(1, 2, 3)
  const { buffer } = view
  await t.throwsAsync(heavyLoadShared(view, { pool, transfer: true }), { code: OVERLOADED })
  t.deepEqual([...view], [1, 2, 3])
  t.is(buffer.byteLength, 12)
  await release()
  await idle(pool)
  // The very same buffer is good for another try.
  const result = await heavyLoadShared(view, { pool, transfer: true, rounds: 0 })
  t.deepEqual([...result], [1, 2, 3])
  t.is(view.length, 0)
})

test.serial('refused calls are counted, calls with bad arguments are not', async (t) => {
  const pool = openPool(t, { threads: 1, maxQueue: 0 })
  const release = await hold(pool)
  const refused = Array.from({ length: 4 }, () => outcome(pool.run('spin', 1)))
  const bad = [
    pool.run('spin', -1),
    pool.run('spin', 'x'),
    pool.run('spin', 1, null),
    pool.run('spin', 1, { timeout: 0 }),
    pool.run('nonesuch', 1),
    pool.run('heavyLoadShared', new Uint32Array(1)),
  ].map(outcome)
  t.deepEqual(await Promise.all(refused), Array(4).fill(OVERLOADED))
  t.false((await Promise.all(bad)).some((code) => code === OVERLOADED || code === 'ok'))
  await release()
  await idle(pool)
  // The held task is the one that was cancelled.
  t.like(pool.stats(), { rejected: 4, completed: 0, failed: 0, cancelled: 1, timedOut: 0, queued: 0, running: 0 })
})
