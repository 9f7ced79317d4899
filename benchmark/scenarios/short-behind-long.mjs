// Short tasks that come while long ones hold every thread: how long they take, and what the long ones pay for them.
import { setTimeout as sleep } from 'node:timers/promises'
import { spinSync } from '../../index.js'
import { open } from '../lib/contestants.mjs'
import { countingRate } from '../lib/limits.mjs'
import { percentile } from '../lib/stats.mjs'

export const title = 'Tasks of 2 ms behind eight long ones'

export const contestants = ['heavy-load', 'heavy-load-async', 'piscina']

export const rounds = 2

export const columns = [
  { figure: 'p50', title: 'short: p50', unit: 'ms', limit: 'p50' },
  { figure: 'p99', title: 'short: p99', unit: 'ms', limit: 'p99', picture: 'logarithmic' },
  { figure: 'long', title: 'the long ones, in all', unit: 'ms', limit: 'long', picture: 'linear' },
  { figure: 'delay', title: 'against without short ones', unit: 'times' },
]

export const limitColumns = [
  { figure: 'p50', title: 'a short one on the calling thread, idle: p50', unit: 'ms' },
  { figure: 'p99', title: 'a short one on the calling thread, idle: p99', unit: 'ms' },
  { figure: 'long', title: 'the work of all, long and short, in plain Rust programs on all cores', unit: 'ms' },
]

export const goals = [
  { what: 'p99 of the short ones [ms]', of: ({ ours }) => ours('p99'), atMost: 5 },
  { what: 'the long ones, against without short ones', of: ({ ours }) => ours('delay'), atMost: 1.1 },
]

const LONG_TASKS = 8
const SHORT_MS = 2
const EVERY_MS = 40

export async function measure({ contestant, threads, quick, round }) {
  const { steps, shortTasks } = work(quick)
  const pool = await open(contestant, { threads })
  await Promise.all(Array.from({ length: 2 * threads }, () => pool.spin(SHORT_MS)))

  const long = async () => {
    const start = performance.now()
    const answers = await Promise.all(Array.from({ length: LONG_TASKS }, () => pool.count(steps)))
    return { answers, ms: performance.now() - start }
  }
  const mixed = async () => {
    const [longOnes, latencies] = await Promise.all([long(), shortOnes(pool, shortTasks)])
    return { ...longOnes, latencies }
  }

  // Only a contestant that lets short tasks pass is asked what the long ones pay for it. Which comes first changes.
  const alone = contestant === 'heavy-load'
  const before = alone && round % 2 === 0 ? await long() : undefined
  const { answers, ms, latencies } = await mixed()
  const without = before ?? (alone ? await long() : undefined)
  return {
    figures: {
      p50: percentile(latencies, 50),
      p99: percentile(latencies, 99),
      long: ms,
      ...(without && { delay: ms / without.ms }),
    },
    answers,
  }
}

export async function limits({ threads, quick }) {
  const { steps, shortTasks } = work(quick)
  const alone = Array.from({ length: shortTasks }, () => {
    const start = performance.now()
    spinSync(SHORT_MS)
    return performance.now() - start
  })
  const long = (1e3 * LONG_TASKS * steps) / (await countingRate(1e9, threads))
  return {
    figures: {
      p50: percentile(alone, 50),
      p99: percentile(alone, 99),
      long: long + (shortTasks * SHORT_MS) / threads,
    },
  }
}

function work(quick) {
  return quick ? { steps: 2e9, shortTasks: 40 } : { steps: 8e9, shortTasks: 150 }
}

/** They come at a steady rate, whether or not those before are done. */
async function shortOnes(pool, count) {
  const latencies = []
  for (let i = 0; i < count; i++) {
    await sleep(EVERY_MS)
    const start = performance.now()
    latencies.push(pool.spin(SHORT_MS).then(() => performance.now() - start))
  }
  return Promise.all(latencies)
}
