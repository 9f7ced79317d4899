// A server's short requests while every core is busy with heavy tasks: what GET /fast costs its clients.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { open } from '../lib/contestants.mjs'
import { countingRate } from '../lib/limits.mjs'
import { keepBusy } from '../lib/load.mjs'
import { workerFile } from '../lib/workers.mjs'

export const title = 'GET /fast while every core is busy'

export const contestants = [
  'heavy-load',
  'heavy-load-async',
  'piscina',
  'piscina-nice',
  'worker-each',
  'fork-each',
  'set-immediate',
  'blocking',
]

export const rounds = 3

export const columns = [
  { figure: 'p50', title: 'p50', unit: 'ms', limit: 'p50', picture: 'logarithmic' },
  { figure: 'p99', title: 'p99', unit: 'ms', limit: 'p99', picture: 'logarithmic' },
  {
    figure: 'heavy',
    title: 'heavy tasks beside it',
    unit: 'a second',
    limit: 'heavy',
    better: 'more',
    picture: 'linear',
  },
]

export const limitColumns = [
  { figure: 'p50', title: 'the same server, idle: p50', unit: 'ms' },
  { figure: 'p99', title: 'the same server, idle: p99', unit: 'ms' },
  { figure: 'beside50', title: 'beside a process of the lowest priority a core: p50', unit: 'ms' },
  { figure: 'beside99', title: 'beside a process of the lowest priority a core: p99', unit: 'ms' },
  { figure: 'heavy', title: 'heavy tasks in plain Rust programs on all cores', unit: 'a second' },
]

export const goals = [
  { what: "p99 / the idle server's", of: ({ ours, limit }) => ours('p99') / limit('p99'), atMost: 1 },
  {
    what: 'p99 / that beside the lowest priority',
    of: ({ ours, limit }) => ours('p99') / limit('beside99'),
    atMost: 1.1,
  },
  { what: "p99 / the best peer's", of: ({ ours, bestPeer }) => ours('p99') / bestPeer('p99'), atMost: 1 },
  {
    what: "heavy tasks beside it / the best peer's",
    of: ({ ours, bestPeer }) => ours('heavy') / bestPeer('heavy', Math.max),
    atLeast: 0.95,
  },
]

/** About a twentieth of a second. */
const STEPS = 2e8

export async function measure({ contestant, threads, quick }) {
  const pool = await open(contestant, { threads })
  const heavy = keepBusy(() => pool.count(STEPS), STEPS, 2 * threads)
  const { p50, p99 } = await load(quick)
  return { figures: { p50, p99, heavy: heavy.perSecond() } }
}

/** Cores that are busy have their price, whatever keeps them so: work that yields to everything is the other limit. */
export async function limits({ threads, quick }) {
  const { p50, p99 } = await load(quick)
  const spinners = await Promise.all(Array.from({ length: threads }, spinner))
  const beside = await load(quick)
  for (const process of spinners) process.kill('SIGKILL')
  const heavy = (await countingRate(5 * STEPS, threads)) / STEPS
  return { figures: { p50, p99, beside50: beside.p50, beside99: beside.p99, heavy } }
}

async function spinner() {
  const process = fork(workerFile('spin-lowest.mjs'))
  await once(process, 'message')
  return process
}

/** Latencies as clients in another process see them. */
async function load(quick) {
  const server = createServer((_request, response) => response.end('ok'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = fork(workerFile('get-fast.mjs'), [String(server.address().port), String(quick ? 2 : 3)])
  const failed = once(client, 'exit').then(([code]) => Promise.reject(new Error(`the clients ended with ${code}`)))
  const [latencies] = await Promise.race([once(client, 'message'), failed])
  return latencies
}
