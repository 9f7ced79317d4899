// Functions in JavaScript on worker threads, from the same module: what loadFunctions adds to that, beside the pools that do nothing else.
import { open } from '../lib/contestants.mjs'
import { steady } from '../lib/load.mjs'

export const title = 'Functions of the same module on worker threads'

export const contestants = ['heavy-load-functions', 'piscina', 'tinypool', 'workerpool', 'poolifier']

export const rounds = 5

const IN_FLIGHT = 1000
const SPIN_MS = 10

export const columns = [
  { figure: 'sequential', title: 'empty, one after the other', unit: 'us', picture: 'linear' },
  { figure: 'empty', title: 'empty, 1,000 in flight', unit: 'us a task', picture: 'linear' },
  { figure: 'flood', title: 'the same where a worker may hold many, which a stop takes along', unit: 'us a task' },
  { figure: 'spin', title: '10 ms each, 1,000 in flight', unit: 'us a task', picture: 'linear' },
]

const FORM = 'heavy-load-functions'

export const goals = [
  {
    what: "empty, 1,000 in flight / piscina's",
    of: ({ ours, bestPeer }) => ours('empty', FORM) / bestPeer('empty', Math.min, ['piscina']),
    atMost: 1.05,
  },
  {
    what: "10 ms each / piscina's",
    of: ({ ours, bestPeer }) => ours('spin', FORM) / bestPeer('spin', Math.min, ['piscina']),
    atMost: 1.05,
  },
]

export async function measure({ contestant, threads, quick }) {
  const figures = {}
  const pool = await open(contestant, { threads })
  const answers = [await pool.empty()]
  figures.sequential = await steady(pool.empty, { quick })
  figures.empty = await steady(pool.empty, { lanes: IN_FLIGHT, quick })
  figures.spin = await steady(() => pool.spin(SPIN_MS), { lanes: IN_FLIGHT, quick })
  await pool.close()
  // Of these only peers have another way.
  if (contestant !== FORM) {
    const flooded = await open(contestant, { threads, flood: true })
    figures.flood = await steady(flooded.empty, { lanes: IN_FLIGHT, quick })
    await flooded.close()
  }
  return { figures, answers }
}
