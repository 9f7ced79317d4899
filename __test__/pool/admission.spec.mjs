// A call that could not be done in its timeout is refused at once; what can be done no more, as soon as that is seen.
import test from 'ava'
import { heavyLoad, spin } from 'heavy-load'
import { ENDLESS, openPool, outcome } from '../helpers/pool.mjs'
import { until } from '../helpers/turns.mjs'

const OVERLOADED = 'ERR_POOL_OVERLOADED'
/** Two seconds of work for one thread: its queue stands for longer than the prediction looks back. */
const FLOOD = { tasks: 250, ms: 8 }
const TIMEOUT = 200

/** A pool whose queue of equal tasks has been standing for a while and will stand for another. */
async function floodedPool(t) {
  const pool = openPool(t, { threads: 1 })
  const tasks = Array.from({ length: FLOOD.tasks }, () => outcome(pool.run('spin', FLOOD.ms)))
  await until(() => pool.stats().completed >= FLOOD.tasks / 4, 'a standing queue')
  return { pool, tasks }
}

/** The error of a call that is refused: at once, or never. */
async function refusal(pool) {
  const controller = new AbortController()
  const task = spin(FLOOD.ms, { pool, timeout: TIMEOUT, signal: controller.signal })
  // A refusal is there before the next turn of the event loop; what was accepted is none.
  setImmediate(() => controller.abort())
  const error = await task.catch((error) => error)
  return error?.code === OVERLOADED ? error : undefined
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

test.serial('says to come again no later than what is there may stay, whatever was there before', async (t) => {
  const pool = openPool(t, { threads: 2, maxQueue: 0 })
  const seconds = 20
  const controller = new AbortController()
  const endless = (options) => outcome(heavyLoad(ENDLESS, { pool, maxThreads: 1, ...options }))
  const gone = endless({ signal: controller.signal })
  const there = [endless({ timeout: seconds * 1000 })]
  await until(() => pool.stats().running === 2)
  controller.abort()
  t.is(await gone, 'ABORT_ERR')
  await until(() => pool.stats().running === 1)
  there.push(endless({ timeout: seconds * 1000 }))
  await until(() => pool.stats().running === 2)
  const error = await t.throwsAsync(spin(1, { pool }), { code: OVERLOADED })
  t.true(error.retryAfter >= 1 && error.retryAfter <= seconds, String(error.retryAfter))
  await pool.close({ force: true })
  await Promise.all(there)
})

test.serial('says nothing of coming again to what could not even be done alone', async (t) => {
  const { pool } = await floodedPool(t)
  const error = await t.throwsAsync(spin(FLOOD.ms, { pool, timeout: FLOOD.ms / 4 }), { code: OVERLOADED })
  t.false('retryAfter' in error, String(error.retryAfter))
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
  await until(() => pool.stats().running >= 2)
  for (let number = 0; number < 100; number++) t.is(await outcome(spin(1, { pool, timeout: 5_000 })), 'ok')
  t.is(pool.stats().rejected, 0)
})

test.serial('accepts again once the queue has gone', async (t) => {
  const { pool, tasks } = await floodedPool(t)
  await Promise.all(tasks)
  t.is(await outcome(spin(FLOOD.ms, { pool, timeout: 5_000 })), 'ok')
})

test.serial('a burst is answered as far as it fits, and the others know at once', async (t) => {
  for (const isWarm of [true, false]) {
    const pool = openPool(t, { threads: 2, niceness: 0 })
    if (isWarm) for (let number = 0; number < 3; number++) await pool.run('spin', 100)
    const began = performance.now()
    const ends = await Promise.all(
      Array.from({ length: 100 }, async () => ({
        code: await outcome(spin(100, { pool, timeout: 2000 })),
        after: performance.now() - began,
      })),
    )
    const refused = ends.filter(({ code }) => code === OVERLOADED)
    const about = `${isWarm ? 'warm' : 'cold'}: ${JSON.stringify(ends.map(({ code }) => code))}`
    t.true(ends.filter(({ code }) => code === 'ok').length >= 4, about)
    t.true(refused.length >= 60 && refused.filter(({ after }) => after < 500).length >= 30, about)
    const { completed, rejected, timedOut } = pool.stats()
    t.is(rejected, refused.length, 'those that were let in and given up count too')
    t.is(completed + rejected + timedOut, 100 + (isWarm ? 3 : 0))
    await pool.close()
  }
})

test.serial('what has no timeout counts, from the first task of a pool on', async (t) => {
  const pool = openPool(t, { threads: 1, niceness: 0 })
  const tasks = Array.from({ length: 100 }, () => outcome(pool.run('spin', 20)))
  await until(() => pool.stats().completed > 1)
  // On a thread that hardly gets a core, what is waiting is counted anew only when it has had one: not the first call may be refused, but soon one is.
  const codes = []
  while (codes.length < 8 && codes.at(-1) !== OVERLOADED) codes.push(await outcome(spin(20, { pool, timeout: 200 })))
  t.is(codes.at(-1), OVERLOADED, codes.join())
  await pool.close({ force: true })
  await Promise.all(tasks)
})

test.serial('what starved is not slow: a burst on idle threads is taken', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const options = { pool, priority: 'low', timeout: 5000 }
  const tasks = Array.from({ length: 4 }, () => spin(10, { ...options, timeout: Infinity }))
  const hogs = [1, 2].map(() => outcome(spin(1500, { pool, priority: 'high' })))
  await Promise.all([...tasks, ...hogs])
  const burst = await Promise.all(Array.from({ length: 6 }, () => outcome(spin(10, options))))
  t.deepEqual(burst, Array(6).fill('ok'))
})

test.serial('cost is what the kernel says: one round beside many is taken', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const words = () => new Uint32Array(new SharedArrayBuffer(4e6))
  const long = Array.from({ length: 6 }, () => outcome(pool.run('heavyLoadShared', words(), { rounds: 1e6 })))
  await until(() => pool.stats().running > 0)
  for (let number = 0; number < 5; number++) {
    t.is(await outcome(pool.run('heavyLoadShared', words(), { rounds: 1, timeout: 2000 })), 'ok')
  }
  await pool.close({ force: true })
  await Promise.all(long)
})
