// A call whose timeout is shorter than the wait that tasks like it really have is refused at once.
import test from 'ava'
import { spin } from '../index.js'
import { openPool } from './helpers/pool-open.mjs'
import { ENDLESS, outcome } from './helpers/pool-tasks.mjs'
import { until } from './helpers/pool-wait.mjs'

const OVERLOADED = 'ERR_POOL_OVERLOADED'
/** Two seconds of work for one thread: its queue stands for longer than the prediction looks back. */
const FLOOD = { tasks: 250, ms: 8 }
const TIMEOUT = 50

/** A pool whose queue of equal tasks has been standing for a while and will stand for another. */
async function floodedPool(t) {
  const pool = openPool(t, { threads: 1 })
  const tasks = Array.from({ length: FLOOD.tasks }, () => outcome(pool.run('spin', FLOOD.ms)))
  await until(() => pool.stats().completed >= FLOOD.tasks / 4, 'a standing queue')
  return { pool, tasks }
}

/**
 * The prediction is left out while the pool's lock is taken, so that the event loop never waits; and it may be that nothing
 * has ended lately. So this tries for as long as the queue stands.
 */
async function refusal(pool) {
  while (pool.stats().running > 1) {
    const controller = new AbortController()
    const task = spin(FLOOD.ms, { pool, timeout: TIMEOUT, signal: controller.signal })
    // A refusal is there before the next turn of the event loop; what was accepted is none.
    setImmediate(() => controller.abort())
    const error = await task.catch((error) => error)
    if (error?.code === OVERLOADED) return error
  }
  return undefined
}

test.serial('refuses what would wait for longer than its timeout', async (t) => {
  const { pool, tasks } = await floodedPool(t)
  const error = await refusal(pool)
  t.is(error?.name, 'HeavyLoadError')
  t.true(Number.isInteger(error.retryAfter) && error.retryAfter >= 1, String(error.retryAfter))
  t.regex(error.message, /predicted wait .* timeout/)
  t.is(pool.stats().rejected, 1)
  t.is(await outcome(spin(FLOOD.ms, { pool })), 'ok', 'one without a timeout waits')
  t.deepEqual(await Promise.all(tasks), Array(FLOOD.tasks).fill('ok'))
})

test.serial('accepts a short task beside them, which passes them', async (t) => {
  const { pool } = await floodedPool(t)
  t.not(await outcome(spin(1, { pool, timeout: TIMEOUT })), OVERLOADED)
})

test.serial('accepts one of another key or a higher class', async (t) => {
  const { pool } = await floodedPool(t)
  t.not(await outcome(spin(FLOOD.ms, { pool, timeout: TIMEOUT, key: 'another' })), OVERLOADED)
  t.not(await outcome(spin(FLOOD.ms, { pool, timeout: TIMEOUT, priority: 'high' })), OVERLOADED)
})

test.serial('long tasks that run keep no short one out', async (t) => {
  const pool = openPool(t, { threads: 2 })
  for (let number = 0; number < 8; number++) outcome(pool.run('heavyLoad', ENDLESS))
  await until(() => pool.stats().running === 8)
  for (let number = 0; number < 100; number++) t.is(await outcome(spin(1, { pool, timeout: 5_000 })), 'ok')
  t.is(pool.stats().rejected, 0)
})

test.serial('accepts again once the queue has gone', async (t) => {
  const { pool, tasks } = await floodedPool(t)
  await Promise.all(tasks)
  t.is(await outcome(spin(FLOOD.ms, { pool, timeout: 5_000 })), 'ok')
})
