// Clients of the server under test, in a process of their own: node get-fast.mjs PORT SECONDS.
import { Agent, get } from 'node:http'
import { constants, setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { percentile } from '../lib/stats.mjs'

const [port, seconds] = process.argv.slice(2).map(Number)
/** Far below what the server can do: its latency is asked for, not its capacity. */
const CLIENTS = 10
const EVERY_MS = 50
/** Connections are made and code is compiled before anything counts. */
const WARM_UP_MS = 1000

// Real clients have machines of their own. Where it is allowed, these at least do not wait for a core.
try {
  setPriority(constants.priority.PRIORITY_HIGHEST)
} catch {
  // An unprivileged user's clients wait as long for every contestant.
}

const start = performance.now()
const end = start + WARM_UP_MS + 1e3 * seconds
const latencies = (await Promise.all(Array.from({ length: CLIENTS }, client))).flat()
process.send({ p50: percentile(latencies, 50), p99: percentile(latencies, 99) }, () => process.exit())

/** One client with one connection: a request every EVERY_MS, or as soon as the answer to the last one is there. */
async function client(_, number) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const latencies = []
  // The clients do not ask all at once.
  let next = start + (EVERY_MS * number) / CLIENTS
  while (next < end) {
    await sleep(next - performance.now())
    const asked = performance.now()
    await request(agent)
    if (asked > start + WARM_UP_MS) latencies.push(performance.now() - asked)
    next = Math.max(next + EVERY_MS, performance.now())
  }
  return latencies
}

/** Resolves when the whole answer is there. */
function request(agent) {
  return new Promise((resolve, reject) => {
    const received = (response) => {
      if (response.statusCode !== 200) reject(new Error(`GET /fast answered ${response.statusCode}`))
      response.resume().on('end', resolve)
    }
    get({ port, host: '127.0.0.1', path: '/fast', agent }, received).on('error', reject)
  })
}
