// What a task costs beside its work: empty tasks, one after the other, many in flight, and after idleness.
import { open } from '../lib/contestants.mjs'
import { limit, withThreadsafeFunction } from '../lib/limits.mjs'
import { afterIdleness, steady } from '../lib/load.mjs'
import { percentile } from '../lib/stats.mjs'

export const title = 'An empty task'

export const contestants = [
  'heavy-load',
  'heavy-load-options',
  'heavy-load-async',
  'piscina',
  'tinypool',
  'workerpool',
  'poolifier',
  'worker-farm',
]

export const rounds = 3

export const columns = [
  { figure: 'sequential', title: 'one after the other', unit: 'us', limit: 'bare', picture: 'linear' },
  { figure: 'inFlight100', title: '100 in flight', unit: 'us a task', limit: 'promise' },
  { figure: 'inFlight1000', title: '1,000 in flight', unit: 'us a task', limit: 'promise', picture: 'linear' },
  { figure: 'idleP50', title: 'after 10 ms, p50', unit: 'us', limit: 'parkedIdle', picture: 'linear' },
  { figure: 'idleP99', title: 'after 10 ms, p99', unit: 'us', limit: 'parkedIdleP99' },
]

export const limitColumns = [
  { figure: 'spinning', title: 'a bare threadsafe function, its thread spinning', unit: 'us' },
  { figure: 'parked', title: 'a bare threadsafe function, its thread parked', unit: 'us' },
  { figure: 'bare', title: 'the better of the two', unit: 'us' },
  { figure: 'parkedIdle', title: 'the parked one after 10 ms, p50: two bare wake-ups', unit: 'us' },
  { figure: 'parkedIdleP99', title: 'the same, p99', unit: 'us' },
  { figure: 'promise', title: 'a promise with no pool behind it, 1,000 in flight', unit: 'us' },
  { figure: 'wakeUps', title: 'futex and eventfd after 10 ms without Node, p50', unit: 'us' },
  { figure: 'futex', title: 'futex ping-pong of two threads', unit: 'us' },
  { figure: 'condvar', title: 'condvar ping-pong of two threads', unit: 'us' },
]

export const goals = [
  {
    what: "one after the other / the best peer's",
    of: ({ ours, bestPeer }) => ours('sequential') / bestPeer('sequential'),
    atMost: 1 / 12,
  },
  {
    what: 'one after the other / a bare threadsafe function',
    of: ({ ours, limit }) => ours('sequential') / limit('bare'),
    atMost: 1.5,
  },
  {
    what: "rate with 1,000 in flight / the best peer's",
    of: ({ ours, bestPeer }) => bestPeer('inFlight1000') / ours('inFlight1000'),
    atLeast: 12,
  },
  {
    what: "after 10 ms, p50 / the best peer's",
    of: ({ ours, bestPeer }) => ours('idleP50') / bestPeer('idleP50'),
    atMost: 0.8,
  },
  {
    what: 'after 10 ms, p50 / two bare wake-ups',
    of: ({ ours, limit }) => ours('idleP50') / limit('parkedIdle'),
    atMost: 1.3,
  },
]

/** The same loops as for the contestants, so that both pay the same for being measured. */
export async function limits({ quick }) {
  const scale = quick ? 1 : 3
  const figures = {}
  for (const spins of [true, false]) {
    await withThreadsafeFunction({ spins }, async (roundTrip) => {
      figures[spins ? 'spinning' : 'parked'] = await steady(roundTrip, { quick })
      if (spins) return
      const idle = await afterIdleness(roundTrip, 10, 50 * scale)
      figures.parkedIdle = percentile(idle, 50)
      figures.parkedIdleP99 = percentile(idle, 99)
    })
  }
  figures.bare = Math.min(figures.spinning, figures.parked)
  const promise = async () => 0
  figures.promise = await steady(promise, { lanes: 1000, quick })
  figures.wakeUps = percentile(limit('wake-ups', 50 * scale, 10), 50)
  return { figures: { ...figures, ...limit('ping-pong', 10_000 * scale) } }
}

export async function measure({ contestant, threads, quick }) {
  const scale = quick ? 1 : 3
  const figures = {}

  const pool = await open(contestant, { threads })
  const answers = [await pool.empty()]
  figures.sequential = await steady(pool.empty, { quick })
  const idle = await afterIdleness(pool.empty, 10, 50 * scale)
  figures.idleP50 = percentile(idle, 50)
  figures.idleP99 = percentile(idle, 99)
  await pool.close()

  const flooded = await open(contestant, { threads, flood: true })
  for (const lanes of [100, 1000]) {
    figures[`inFlight${lanes}`] = await steady(flooded.empty, { lanes, quick })
  }
  await flooded.close()
  return { figures, answers }
}
