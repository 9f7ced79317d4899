// What the options of a task cost that every request in a server has: a signal of its own, a timeout and a key.
import { open } from '../lib/contestants.mjs'
import { steady } from '../lib/load.mjs'

export const title = 'An empty task with the options of a request, 1,000 in flight'

// worker-farm takes no signal, and what it has begun cannot be stopped.
export const contestants = ['heavy-load', 'piscina', 'poolifier', 'tinypool', 'workerpool']

export const rounds = 3

const IN_FLIGHT = 1000
const TIMEOUT_MS = 30_000
/** Not too many: every one is in use all the time. */
const KEYS = Array.from({ length: 100 }, (_, number) => `client ${number}`)

let tasks = 0
const key = () => KEYS[++tasks % KEYS.length]
const signal = () => new AbortController().signal

/** The options of each figure, made anew for every task. Peers have a signal at most. */
const OPTIONS = {
  bare: undefined,
  signal: () => ({ signal: signal() }),
  timeout: () => ({ timeout: TIMEOUT_MS }),
  key: () => ({ key: key() }),
  all: () => ({ signal: signal(), timeout: TIMEOUT_MS, key: key() }),
}
const OF_PEERS = new Set(['bare', 'signal'])

export const columns = [
  { figure: 'bare', title: 'without options', unit: 'us a task', limit: 'promise' },
  { figure: 'signal', title: 'with a signal', unit: 'us a task', limit: 'signal', picture: 'linear' },
  { figure: 'timeout', title: 'with a timeout', unit: 'us a task', limit: 'promise' },
  { figure: 'key', title: 'with a key', unit: 'us a task', limit: 'promise' },
  { figure: 'all', title: 'with all three', unit: 'us a task', limit: 'signal', picture: 'linear' },
]

export const limitColumns = [
  { figure: 'promise', title: 'a promise with no pool behind it', unit: 'us' },
  { figure: 'signal', title: 'the same, and a signal made, listened to and released', unit: 'us' },
]

export const goals = [
  {
    what: "all three / the best peer's with a signal",
    of: ({ ours, bestPeer }) => ours('all') / bestPeer('signal'),
    atMost: 0.4,
  },
]

/** The same loop as for the contestants, so that both pay the same for being measured. */
export async function limits({ quick }) {
  const listener = () => undefined
  const listened = async () => {
    const own = signal()
    own.addEventListener('abort', listener, { once: true })
    await undefined
    own.removeEventListener('abort', listener)
  }
  const figures = {
    promise: await steady(async () => 0, { lanes: IN_FLIGHT, quick }),
    signal: await steady(listened, { lanes: IN_FLIGHT, quick }),
  }
  return { figures }
}

export async function measure({ contestant, threads, quick }) {
  const pool = await open(contestant, { threads, flood: true })
  const answers = [await pool.empty()]
  const figures = {}
  for (const [name, options] of Object.entries(OPTIONS)) {
    if (!contestant.startsWith('heavy-load') && !OF_PEERS.has(name)) continue
    const task = options === undefined ? () => pool.empty() : () => pool.empty(options())
    figures[name] = await steady(task, { lanes: IN_FLIGHT, quick })
  }
  await pool.close()
  return { figures, answers }
}
