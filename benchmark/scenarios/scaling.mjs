// How much faster heavy work gets with more threads, against one thread without a pool.
import { callingThread } from '../lib/calling-thread.mjs'
import { open } from '../lib/contestants.mjs'
import { countingRate } from '../lib/limits.mjs'
import { median } from '../lib/stats.mjs'

export const title = 'Heavy work on more threads'

export const contestants = ['heavy-load', 'piscina', 'tinypool', 'workerpool', 'poolifier']

export const rounds = 3

export const columns = ({ threads }) => [
  { figure: 'alone', title: 'on the calling thread', unit: 'ns a step', limit: 'alone' },
  ...counts(threads).map((count) => ({
    figure: `speedup${count}`,
    title: `${count} thread${count > 1 ? 's' : ''}`,
    unit: 'times as fast',
    limit: `speedup${count}`,
    better: 'more',
    picture: 'linear',
  })),
]

export const limitColumns = ({ threads }) => [
  { figure: 'alone', title: 'the loop in a plain Rust program', unit: 'ns a step' },
  ...counts(threads).map((count) => ({
    figure: `speedup${count}`,
    title: `the loop in ${count} plain Rust program${count > 1 ? 's' : ''} at once`,
    unit: 'times as fast',
  })),
]

export const goals = [
  {
    what: 'the calling thread / a plain Rust program',
    of: ({ ours, limit }) => ours('alone') / limit('alone'),
    atMost: 1.05,
  },
  {
    what: 'all threads: times as fast, a thread',
    of: ({ ours }, { threads }) => ours(`speedup${threads}`) / threads,
    atLeast: 0.95,
  },
]

/** Repeated, with both sides of every ratio measured in turn, because the speed of a machine drifts. */
const REPEATS = 3
/** About a sixth of a second. */
const STEPS = 6e8

export async function measure({ contestant, threads }) {
  const alone = await callingThread(contestant)
  const figures = {}
  const bare = []
  for (const count of counts(threads)) {
    const pool = await open(contestant, { threads: count, own: true })
    await spread(contestant, pool, 1e7, count)
    const speedups = []
    for (let i = 0; i < REPEATS; i++) {
      const single = await timed(() => alone(STEPS))
      const pooled = await timed(() => spread(contestant, pool, STEPS, count))
      bare.push(single)
      speedups.push(single / pooled)
    }
    figures[`speedup${count}`] = median(speedups)
    await pool.close()
  }
  return { figures: { alone: (median(bare) * 1e6) / STEPS, ...figures }, answers: STEPS }
}

export async function limits({ threads }) {
  const figures = {}
  const bare = []
  for (const count of counts(threads)) {
    const speedups = []
    for (let i = 0; i < REPEATS; i++) {
      const single = await countingRate(STEPS, 1)
      bare.push(single)
      speedups.push((await countingRate(STEPS, count)) / single)
    }
    figures[`speedup${count}`] = median(speedups)
  }
  return { figures: { alone: 1e9 / median(bare), ...figures } }
}

/** 1, 2, 4, ... and all of them. */
function counts(threads) {
  const list = []
  for (let count = 1; count < threads; count *= 2) list.push(count)
  return [...list, threads]
}

/** One task of heavy-load uses all threads; of the others, the caller has to make as many as there are threads. */
async function spread(contestant, pool, steps, threads) {
  if (contestant === 'heavy-load') return pool.count(steps)
  const parts = await Promise.all(Array.from({ length: threads }, () => pool.count(steps / threads)))
  return parts.reduce((sum, part) => sum + part, 0)
}

async function timed(work) {
  const start = performance.now()
  const counted = await work()
  if (Math.round(counted) !== STEPS) throw new Error(`counted ${counted} of ${STEPS} steps`)
  return performance.now() - start
}
