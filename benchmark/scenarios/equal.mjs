// Tasks that are alike, which is what most servers have: how long they take when they come at random, and when all come at once.
import { play, poisson, threadsAtWork } from '../lib/arrivals.mjs'
import { open } from '../lib/contestants.mjs'
import { shortestRemainingFirst } from '../lib/simulation.mjs'
import { mean, percentile } from '../lib/stats.mjs'

export const title = 'Tasks that are alike'

export const contestants = [
  'heavy-load',
  'heavy-load-keys',
  'piscina',
  'poolifier',
  'tinypool',
  'workerpool',
  'worker-farm',
]

export const rounds = 3

/**
 * `ms`: CPU time of a task; `steadyMs`: so long they come at random; `burst`: so many for each thread come at once. Those of 10 ms have
 * goals, so they have the most time; of 70 ms there are so few that their 99th percentile is the longest time.
 */
const SIZES = [
  { ms: 0.5, steadyMs: 300, burst: 100 },
  { ms: 2, steadyMs: 500, burst: 100 },
  { ms: 10, steadyMs: 2000, burst: 30 },
  { ms: 70, steadyMs: 1050, burst: 16 },
]
const SHARE = 0.8
const SEED = 14
/** Code is compiled by then, and whoever learns from the tasks that it has seen has learned. */
const WARM_UP_MS = 100
/** There are few of the longest in that time. */
const WARM_UP_TASKS = 4

export const columns = [
  ...SIZES.flatMap(({ ms }) => [
    {
      figure: `mean${ms}ms`,
      title: `${ms} ms at random: mean`,
      unit: 'ms',
      limit: `mean${ms}ms`,
      ...(ms === 10 && { picture: 'linear' }),
    },
    {
      figure: `p99of${ms}ms`,
      title: `${ms} ms at random: p99`,
      unit: 'ms',
      limit: `p99of${ms}ms`,
      ...(ms === 10 && { picture: 'linear' }),
    },
    {
      figure: `burst${ms}ms`,
      title: `${ms} ms at once: mean`,
      unit: '% of the time of all',
      limit: `burst${ms}ms`,
      ...(ms === 10 && { picture: 'linear' }),
    },
  ]),
  { figure: 'cpu', title: '10 ms at random: CPU time of the process', unit: 'ms a task', better: 'neither' },
]

export const limitColumns = SIZES.flatMap(({ ms }) => [
  { figure: `mean${ms}ms`, title: `a plain queue, simulated: ${ms} ms at random, mean`, unit: 'ms' },
  { figure: `p99of${ms}ms`, title: `a plain queue, simulated: ${ms} ms at random, p99`, unit: 'ms' },
  { figure: `burst${ms}ms`, title: `a plain queue, simulated: ${ms} ms at once, mean`, unit: '% of the time of all' },
])

/** The goals are about these two. */
const BEST = ['piscina', 'poolifier']

export const goals = [
  ['heavy-load', ''],
  ['heavy-load-keys', 'a key and a timeout each: '],
].flatMap(([form, which]) => [
  {
    what: `${which}10 ms at random, mean / the best of ${BEST.join(' and ')}`,
    of: ({ ours, bestPeer }) => ours('mean10ms', form) / bestPeer('mean10ms', Math.min, BEST),
    atMost: 1.1,
  },
  {
    what: `${which}10 ms at random, p99 / the best of ${BEST.join(' and ')}`,
    of: ({ ours, bestPeer }) => ours('p99of10ms', form) / bestPeer('p99of10ms', Math.min, BEST),
    atMost: 1.1,
  },
  ...[2, 10, 70].map((ms) => ({
    what: `${which}${ms} ms at once: mean [% of the time of all]`,
    of: ({ ours }) => ours(`burst${ms}ms`, form),
    atMost: 55,
  })),
])

export async function measure({ contestant, threads, quick }) {
  const pool = await open(contestant, { threads, atRandom: true })
  const figures = {}
  for (const size of SIZES) {
    const { ms } = size
    await warmUp(pool, ms, threads)
    const load = steadyLoad(size, threads, quick)
    const before = process.cpuUsage()
    const times = await play(load, pool.spin)
    const { user, system } = process.cpuUsage(before)
    // The time of other processes is not in it.
    if (ms === 10 && contestant !== 'worker-farm') figures.cpu = (user + system) / 1e3 / load.length
    Object.assign(figures, { [`mean${ms}ms`]: mean(times), [`p99of${ms}ms`]: percentile(times, 99) })
    figures[`burst${ms}ms`] = meanOfEnds(await burst(pool, size, threads))
  }
  await pool.close()
  return { figures }
}

/** For tasks of one size no order is better than that in which they came. */
export async function limits({ threads, quick }) {
  const atWork = threadsAtWork(threads)
  const figures = {}
  for (const size of SIZES) {
    const { ms } = size
    const times = shortestRemainingFirst(steadyLoad(size, threads, quick), atWork)
    Object.assign(figures, { [`mean${ms}ms`]: mean(times), [`p99of${ms}ms`]: percentile(times, 99) })
    const atOnce = Array.from({ length: size.burst * threads }, () => ({ at: 0, ms }))
    figures[`burst${ms}ms`] = meanOfEnds(shortestRemainingFirst(atOnce, atWork))
  }
  return { figures }
}

/** The same one for every contestant, in every round: what differs between two rounds is the machine's. */
function steadyLoad({ ms, steadyMs }, threads, quick) {
  const atWork = threadsAtWork(threads)
  const count = Math.round((SHARE * atWork * steadyMs) / ms / (quick ? 2 : 1))
  return poisson(new Array(count).fill(ms), { share: SHARE, threads: atWork, seed: SEED })
}

/** Milliseconds to each of the ends. */
function burst(pool, { ms, burst }, threads) {
  const start = performance.now()
  const task = () => pool.spin(ms).then(() => performance.now() - start)
  return Promise.all(Array.from({ length: burst * threads }, task))
}

function meanOfEnds(times) {
  return (100 * mean(times)) / Math.max(...times)
}

async function warmUp(pool, ms, threads) {
  const count = Math.max(WARM_UP_TASKS, Math.round((WARM_UP_MS * threads) / ms))
  await Promise.all(Array.from({ length: count }, () => pool.spin(ms)))
}
