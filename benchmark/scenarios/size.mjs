// How much of the threads' time becomes work, by the size of the tasks: where a pool begins to pay.
import { callingThread } from '../lib/calling-thread.mjs'
import { open } from '../lib/contestants.mjs'
import { countingRate, limit } from '../lib/limits.mjs'
import { median } from '../lib/stats.mjs'

export const title = "Work in percent of the threads' time, by the size of the tasks"

export const contestants = ['heavy-load', 'heavy-load-async', 'piscina', 'tinypool', 'workerpool', 'poolifier']

export const rounds = 3

/** Microseconds of work, and how they are written. */
const SIZES = [
  [1, '1 us'],
  [10, '10 us'],
  [100, '100 us'],
  [1e3, '1 ms'],
  [1e4, '10 ms'],
  [1e5, '100 ms'],
  [1e6, '1 s'],
]
/** In these every contestant is near to its best, or the same: no picture is needed. */
const WITHOUT_PICTURE = new Set([1e5, 1e6])

export const columns = SIZES.map(([us, name]) => ({
  figure: `efficiency${us}`,
  title: `tasks of ${name}`,
  unit: '%',
  better: 'more',
  ...(WITHOUT_PICTURE.has(us) ? {} : { picture: 'linear' }),
}))

export const limitColumns = [
  { figure: 'allCores', title: 'the loop in plain Rust programs on all cores, without tasks', unit: '% of one alone' },
  { figure: 'monotonic', title: 'asking the monotonic clock', unit: 'ns' },
  { figure: 'threadTime', title: "asking for the thread's CPU time: clock_gettime", unit: 'ns' },
  { figure: 'getrusage', title: "asking for the thread's CPU time: getrusage", unit: 'ns' },
  { figure: 'getrusageShare', title: 'getrusage once a morsel of 1 ms', unit: '% of the morsel' },
]

/** Below this thousands are in flight, as in every flood of short tasks. */
const LONG_US = 1e3
const LANES = { flood: 1000, each: 4 }
/** So long a thread works on the tasks of one size, if nothing but they cost time; with the longest, one task. */
const BUDGET_US = 2e5
/** A contestant that is slower than that by so much has shown it. */
const LONGEST_MS = 500
const MORSEL_NS = 1e6
/** Steps that take some 25 ms, timed before and after every size, because the speed of a machine drifts. */
const YARDSTICK = 1e8

export async function measure({ contestant, threads, quick }) {
  const alone = await callingThread(contestant)
  alone(YARDSTICK)
  const figures = {}
  let pool
  for (const [us] of SIZES) {
    const flood = us < LONG_US
    // Sizes go up: at the first long one the pool for floods has done its part.
    if (pool?.flood !== flood) {
      await pool?.close()
      pool = { flood, ...(await open(contestant, { threads, flood })) }
      // Few where few will be in flight: after a flood, poolifier 5.3.2 with its queue leaves threads idle.
      await run(pool, { steps: 1e4, tasks: (flood ? 200 : 2) * threads, lanes: flood ? 100 : threads })
    }
    const before = nanosecondsAStep(alone)
    const steps = Math.round((us * 1e3) / before)
    const tasks = threads * Math.max(1, Math.round((quick ? 0.5 : 1) * (BUDGET_US / us)))
    const { done, ns } = await run(pool, { steps, tasks, lanes: flood ? LANES.flood : LANES.each * threads })
    const step = (before + nanosecondsAStep(alone)) / 2
    figures[`efficiency${us}`] = (100 * done * steps * step) / (threads * ns)
  }
  await pool.close()
  return { figures }
}

function nanosecondsAStep(count) {
  const times = Array.from({ length: 3 }, () => {
    const start = performance.now()
    count(YARDSTICK)
    return performance.now() - start
  })
  return (median(times) * 1e6) / YARDSTICK
}

/** Has `tasks` tasks done, `lanes` at a time, but begins none after LONGEST_MS: how many were done, and in what time. */
async function run(pool, { steps, tasks, lanes }) {
  const start = performance.now()
  const last = start + LONGEST_MS
  let left = tasks
  let done = 0
  const lane = async () => {
    while (left-- > 0 && performance.now() < last) {
      const counted = await pool.count(steps)
      if (counted !== steps) throw new Error(`counted ${counted} of ${steps} steps`)
      done++
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return { done, ns: (performance.now() - start) * 1e6 }
}

export async function limits({ threads }) {
  const alone = await countingRate(1e9, 1)
  const together = await countingRate(1e9, threads)
  const { monotonic, threadTime, getrusage } = limit('clocks')
  const getrusageShare = (100 * getrusage) / MORSEL_NS
  return {
    figures: { allCores: (100 * together) / (alone * threads), monotonic, threadTime, getrusage, getrusageShare },
  }
}
