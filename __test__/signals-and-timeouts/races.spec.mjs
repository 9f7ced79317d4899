// Abort, timeout and completion race each other, thousands of times: whoever wins, everything adds up.
import test from 'ava'
import { heavyLoad, heavyLoadAsync, heavyLoadShared, spin, spinAsync } from 'heavy-load'
import { hold, idle, openPool, outcome } from '../helpers/pool.mjs'
import { randomFrom } from '../helpers/random.mjs'
import { threadsNamed } from '../helpers/threads.mjs'
import { turn } from '../helpers/turns.mjs'

const RACES = 10_000
/** Tasks that are under way at once. */
const WIDTH = 64
const THREADS = 2

const POOL_TASKS = [
  (random, options) => spin(random(), options),
  (random, options) => heavyLoad(Math.floor(random() * 1e6), options),
  (random, options) => heavyLoadShared(sharedView(random), options),
  (random, options) => heavyLoadShared(new Uint32Array(sharedView(random)), { ...options, transfer: true }),
]
const LIBUV_TASKS = [
  (random, options) => spinAsync(random(), options),
  (random, options) => heavyLoadAsync(Math.floor(random() * 1e6), options),
]

function sharedView(random) {
  return new Uint32Array(new SharedArrayBuffer(4 * Math.floor(random() * 1000)))
}

/** Starts a task that may be aborted, or run out of time, or both, within about as long as it takes. */
function race(random, tasks, options) {
  const controller = new AbortController()
  const abort = () => controller.abort()
  const start = tasks[Math.floor(random() * tasks.length)]
  const timeout = random() < 0.5 ? 2 * random() + Number.MIN_VALUE : undefined
  const task = outcome(start(random, { ...options, signal: controller.signal, timeout }))
  const when = random()
  if (when < 0.1) abort()
  else if (when < 0.2) queueMicrotask(abort)
  else if (when < 0.4) setImmediate(abort)
  else if (when < 0.7) setTimeout(abort, 2 * random())
  return task
}

/** Runs that many races, `WIDTH` at a time; how often each outcome came. */
async function tally(races, run) {
  const counts = {}
  let left = races
  const runner = async () => {
    while (left-- > 0) {
      const code = await run()
      counts[code] = (counts[code] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: WIDTH }, runner))
  return counts
}

test.serial(`${RACES} races in a pool`, async (t) => {
  const seed = Date.now()
  t.log('seed', seed)
  const random = randomFrom(seed)
  const pool = openPool(t, { threads: THREADS, name: 'races' })
  const counts = await tally(RACES, () => race(random, POOL_TASKS, { pool }))
  t.log(counts)
  await idle(pool)
  const { ok = 0, ABORT_ERR = 0, ERR_TASK_TIMEOUT = 0, ERR_POOL_OVERLOADED = 0 } = counts
  t.is(ok + ABORT_ERR + ERR_TASK_TIMEOUT + ERR_POOL_OVERLOADED, RACES)
  t.like(pool.stats(), {
    queued: 0,
    running: 0,
    completed: ok,
    failed: 0,
    cancelled: ABORT_ERR,
    timedOut: ERR_TASK_TIMEOUT,
    rejected: ERR_POOL_OVERLOADED,
  })
  for (const code of ['ok', 'ABORT_ERR', 'ERR_TASK_TIMEOUT']) t.true(counts[code] > 0, `${code} never won`)

  // Capacity is full: as many tasks run side by side as there are threads, and those are the same threads.
  const release = await hold(pool)
  t.is(pool.stats().running, THREADS)
  await release()
  if (process.platform === 'linux') t.is(threadsNamed('races-').length, THREADS)
  t.is(await heavyLoad(1e6, { pool }), 1e6)
})

test.serial(`${RACES / 10} races on libuv's threads`, async (t) => {
  const seed = Date.now()
  t.log('seed', seed)
  const random = randomFrom(seed)
  const counts = await tally(RACES / 10, () => race(random, LIBUV_TASKS, {}))
  t.log(counts)
  const { ok = 0, ABORT_ERR = 0, ERR_TASK_TIMEOUT = 0 } = counts
  t.is(ok + ABORT_ERR + ERR_TASK_TIMEOUT, RACES / 10)
  t.is(await heavyLoadAsync(1e6), 1e6)
})

test.serial('one signal for many tasks races with their ends', async (t) => {
  const pool = openPool(t, { threads: THREADS })
  const random = randomFrom(Date.now())
  let aborted = 0
  for (let round = 0; round < 100; round++) {
    const controller = new AbortController()
    const tasks = Array.from({ length: 20 }, () => outcome(spin(random() / 10, { pool, signal: controller.signal })))
    for (let turns = Math.floor(random() * 4); turns > 0; turns--) await turn()
    controller.abort()
    const codes = await Promise.all(tasks)
    aborted += codes.filter((code) => code === 'ABORT_ERR').length
    t.true(codes.every((code) => code === 'ok' || code === 'ABORT_ERR'))
  }
  await idle(pool)
  t.like(pool.stats(), { completed: 2000 - aborted, cancelled: aborted, timedOut: 0 })
})

test.serial('closing by force races with everything', async (t) => {
  const random = randomFrom(Date.now())
  for (let round = 0; round < 50; round++) {
    const pool = openPool(t, { threads: THREADS })
    const tasks = Array.from({ length: 20 }, () => race(random, POOL_TASKS, { pool }))
    for (let turns = Math.floor(random() * 4); turns > 0; turns--) await turn()
    await pool.close({ force: true })
    // All of them have settled, and none of them in any other way.
    const codes = await Promise.race([Promise.all(tasks), turn().then(() => ['pending'])])
    const allowed = ['ok', 'ABORT_ERR', 'ERR_TASK_TIMEOUT', 'ERR_POOL_CLOSED', 'ERR_POOL_OVERLOADED']
    t.deepEqual(
      codes.filter((code) => !allowed.includes(code)),
      [],
    )
  }
})
