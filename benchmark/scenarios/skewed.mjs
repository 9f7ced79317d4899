// A few tasks that are far longer than the others, at random times: how long is the way to an answer, measured by the task's own size?
import { paretoSizes, play, poisson, threadsAtWork } from '../lib/arrivals.mjs'
import { open } from '../lib/contestants.mjs'
import { shortestRemainingFirst } from '../lib/simulation.mjs'
import { mean, percentile } from '../lib/stats.mjs'

export const title = 'Short tasks and a few long ones at random times'

// piscina has a plain queue, as all other peers have but poolifier: that has none here, each worker has its own.
export const contestants = ['heavy-load', 'heavy-load-keys', 'piscina', 'poolifier']

export const rounds = 3

/** Sizes in milliseconds of CPU time; `tasks` of a load for each thread at work take some four seconds. */
const LOADS = [
  { name: 'two', title: '90 % of 2 ms, 10 % of 200 ms', tasks: 150, sizes: twoKinds },
  {
    name: 'pareto',
    title: 'Pareto, 1 ms to 1 s',
    tasks: 600,
    sizes: (count) => paretoSizes(count, { alpha: 1.1, least: 1, most: 1000 }),
  },
]
const SHARE = 0.8
const SEED = 14
/** Tasks for each thread before anything is measured: code is compiled by then, and kinds are known. */
const WARM_UP = { 2: 20, 200: 2 }

export const columns = LOADS.flatMap(({ name, title }) => [
  {
    figure: `${name}Slowdown`,
    title: `${title}: time / size, mean`,
    unit: 'times',
    limit: `${name}Slowdown`,
    picture: 'logarithmic',
  },
  // The order that has the least mean has not the least p99.
  { figure: `${name}SlowdownP99`, title: 'p99', unit: 'times' },
  { figure: `${name}P99`, title: 'time, p99', unit: 'ms' },
])

export const limitColumns = LOADS.flatMap(({ name, title }) => {
  const simulated = `shortest remaining time first, simulated: ${title}`
  return [
    { figure: `${name}Slowdown`, title: `${simulated}: time / size, mean`, unit: 'times' },
    { figure: `${name}SlowdownP99`, title: `${simulated}: time / size, p99`, unit: 'times' },
    { figure: `${name}P99`, title: `${simulated}: time, p99`, unit: 'ms' },
  ]
})

/** Where every task has a key there is another promise to be kept, fair shares, so there is no goal. */
export const goals = LOADS.map(({ name, title }) => ({
  what: `${title}: mean of time / size, against shortest remaining time first`,
  of: ({ ours, limit }) => ours(`${name}Slowdown`) / limit(`${name}Slowdown`),
  atMost: 1.2,
}))

export async function measure({ contestant, threads, quick }) {
  const pool = await open(contestant, { threads, atRandom: true })
  for (const [ms, tasks] of Object.entries(WARM_UP)) {
    await Promise.all(Array.from({ length: tasks * threads }, () => pool.spin(Number(ms))))
  }
  const figures = {}
  for (const kind of LOADS) {
    const load = loadOf(kind, threads, quick)
    Object.assign(figures, figuresOf(kind, load, await play(load, pool.spin)))
  }
  await pool.close()
  return { figures }
}

/** What nobody reaches who is not told the sizes, and to whom a change of tasks costs something. */
export async function limits({ threads, quick }) {
  const figures = {}
  for (const kind of LOADS) {
    const load = loadOf(kind, threads, quick)
    Object.assign(figures, figuresOf(kind, load, shortestRemainingFirst(load, threadsAtWork(threads))))
  }
  return { figures }
}

/** The same one for every contestant, in every round: what differs between two rounds is the machine's. */
function loadOf({ tasks, sizes }, threads, quick) {
  const atWork = threadsAtWork(threads)
  return poisson(sizes((tasks * atWork) / (quick ? 2 : 1)), { share: SHARE, threads: atWork, seed: SEED })
}

function figuresOf({ name }, load, times) {
  const slowdowns = times.map((time, number) => time / load[number].ms)
  return {
    [`${name}Slowdown`]: mean(slowdowns),
    [`${name}SlowdownP99`]: percentile(slowdowns, 99),
    [`${name}P99`]: percentile(times, 99),
  }
}

function twoKinds(count) {
  return Array.from({ length: count }, (_, number) => (number % 10 === 0 ? 200 : 2))
}
