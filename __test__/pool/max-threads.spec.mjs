// maxThreads: how many of a pool's threads one task may use at once.
import test from 'ava'
import { heavyLoad } from 'heavy-load'
import { ENDLESS, openPool, outcome } from '../helpers/pool.mjs'
import { until } from '../helpers/turns.mjs'

/** Starts a task that never ends, and waits until it has used the threads for a while. */
async function runFor(pool, elapsedMs, maxThreads) {
  const start = performance.now()
  outcome(heavyLoad(ENDLESS, { pool, maxThreads }))
  await until(() => performance.now() - start > elapsedMs && pool.stats().utilization > 0.1)
}

test.serial('with 1, a task leaves the other threads idle', async (t) => {
  // A pool without a queue takes a task only for an idle thread.
  const pool = openPool(t, { threads: 2, maxQueue: 0 })
  await runFor(pool, 50, 1)
  for (let number = 0; number < 20; number++) t.is(await outcome(pool.run('spin', 0.1)), 'ok')
})

test.serial('without it, a task uses all threads', async (t) => {
  const pool = openPool(t, { threads: 2, maxQueue: 0 })
  await runFor(pool, 50, undefined)
  t.is(await outcome(pool.run('spin', 1)), 'ERR_POOL_OVERLOADED')
  // Of two threads, one alone comes to one half at most.
  await until(() => pool.stats().utilization > 0.6, 'two threads in use')
})

for (const [threads, maxThreads] of [
  [2, 1],
  [4, 2],
  [3, 2],
]) {
  test.serial(`at most ${maxThreads} of ${threads} threads`, async (t) => {
    const pool = openPool(t, { threads })
    await runFor(pool, 300, maxThreads)
    const { utilization } = pool.stats()
    t.true(utilization <= maxThreads / threads, String(utilization))
  })
}

test.serial('more than there are is all of them', async (t) => {
  const pool = openPool(t, { threads: 2 })
  t.is(await heavyLoad(1e7, { pool, maxThreads: 1000 }), 1e7)
})

test.serial('refuses what is no number of threads', async (t) => {
  const pool = openPool(t, { threads: 1 })
  for (const maxThreads of [0, -1, 1.5, Number.NaN, Infinity]) {
    await t.throwsAsync(heavyLoad(1, { pool, maxThreads }), { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' })
  }
  for (const maxThreads of ['1', null, 1n]) {
    await t.throwsAsync(heavyLoad(1, { pool, maxThreads }), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
  }
})
