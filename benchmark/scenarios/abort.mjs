// Aborting running work: how soon the caller knows, how soon the threads serve others, and how many threads it costs.
import { existsSync, readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { open } from '../lib/contestants.mjs'
import { withThreadsafeFunction } from '../lib/limits.mjs'
import { afterIdleness } from '../lib/load.mjs'
import { percentile } from '../lib/stats.mjs'

export const title = 'Abort of running tasks'

export const contestants = ['heavy-load', 'heavy-load-async', 'piscina', 'workerpool', 'poolifier']

export const rounds = 3

export const columns = [
  { figure: 'rejectedP50', title: 'rejected, p50', unit: 'ms', limit: 'signalP50' },
  { figure: 'rejectedP99', title: 'rejected, p99', unit: 'ms', limit: 'signalP99', picture: 'logarithmic' },
  { figure: 'freshP50', title: 'fresh tasks done, p50', unit: 'ms later', limit: 'roundTripP50' },
  {
    figure: 'freshP99',
    title: 'fresh tasks done, p99',
    unit: 'ms later',
    limit: 'roundTripP99',
    picture: 'logarithmic',
  },
  { figure: 'threadsLost', title: 'threads lost', unit: 'an abort', picture: 'linear' },
]

export const limitColumns = [
  { figure: 'signalP50', title: 'a bare signal that rejects a promise, p50', unit: 'ms' },
  { figure: 'signalP99', title: 'a bare signal that rejects a promise, p99', unit: 'ms' },
  { figure: 'roundTripP50', title: 'a bare threadsafe function after 20 ms, its thread parked, p50', unit: 'ms' },
  { figure: 'roundTripP99', title: 'a bare threadsafe function after 20 ms, its thread parked, p99', unit: 'ms' },
]

export const goals = [
  { what: 'rejected, p99 [ms]', of: ({ ours }) => ours('rejectedP99'), atMost: 1 },
  { what: 'fresh tasks done, p99 [ms later]', of: ({ ours }) => ours('freshP99'), atMost: 3 },
  { what: 'threads lost', of: ({ ours }) => ours('threadsLost'), atMost: 0 },
]

/** About half a second, so that a contestant that cannot stop it does not take for ever. */
const STEPS = 2e9
/** From the call until the task surely runs. */
const HEAD_START_MS = 20
const BUDGET_MS = 3000

export async function measure({ contestant, threads, quick }) {
  const pool = await open(contestant, { threads })
  const aborts = quick ? 40 : 100
  const rejected = []
  const fresh = []
  let lost = 0
  await all(threads, () => pool.count(1e6))
  const end = performance.now() + BUDGET_MS
  while (rejected.length < aborts && performance.now() < end) {
    const controller = new AbortController()
    const { signal } = controller
    const tasks = Promise.allSettled(Array.from({ length: threads }, () => pool.count(STEPS, { signal })))
    await sleep(HEAD_START_MS)
    const threadsBefore = threadIds()
    const start = performance.now()
    controller.abort()
    await tasks
    const known = performance.now()
    await all(2, pool.empty)
    const served = performance.now()
    const threadsAfter = new Set(threadIds())
    lost += threadsBefore.filter((id) => !threadsAfter.has(id)).length
    rejected.push(known - start)
    fresh.push(served - known)
  }
  return {
    figures: {
      rejectedP50: percentile(rejected, 50),
      rejectedP99: percentile(rejected, 99),
      freshP50: percentile(fresh, 50),
      freshP99: percentile(fresh, 99),
      threadsLost: lost / rejected.length,
    },
  }
}

/** There is no pool, so that nothing runs which would have to be stopped. */
export async function limits({ quick }) {
  const count = quick ? 40 : 100
  const rejected = []
  for (let i = 0; i < count; i++) {
    const controller = new AbortController()
    const task = new Promise((_resolve, reject) => {
      controller.signal.addEventListener('abort', () => reject(controller.signal.reason), { once: true })
    })
    await sleep(1)
    const start = performance.now()
    controller.abort()
    await Promise.allSettled([task])
    rejected.push(performance.now() - start)
  }
  const roundTrips = await withThreadsafeFunction({ spins: false }, (roundTrip) =>
    afterIdleness(roundTrip, HEAD_START_MS, count),
  )
  return {
    figures: {
      signalP50: percentile(rejected, 50),
      signalP99: percentile(rejected, 99),
      roundTripP50: percentile(roundTrips, 50) / 1e3,
      roundTripP99: percentile(roundTrips, 99) / 1e3,
    },
  }
}

function all(count, task) {
  return Promise.all(Array.from({ length: count }, () => task()))
}

/** The system's ids of this process's threads; only Linux shows them. */
function threadIds() {
  return existsSync('/proc/self/task') ? readdirSync('/proc/self/task') : []
}
