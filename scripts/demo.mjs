// The demo: how long GET /fast takes while GET /heavy runs, first on the event loop, then offloaded.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const ROUNDS = 3
/** How long /heavy is to block the event loop, and how much later than it /fast comes. */
const BLOCKING_MS = 2000
const HEAD_START_MS = 100

console.log(`Asking for GET /heavy and ${HEAD_START_MS} ms later for GET /fast; ${ROUNDS} rounds, some ten seconds.\n`)
const server = startServer()
const url = await urlOf(server)
const iterations = await calibrate()
const blocking = []
const offloaded = []
for (let round = 0; round < ROUNDS; round++) {
  blocking.push(await askBoth(`/heavy-blocking?iterations=${iterations}`))
  offloaded.push(await askBoth(`/heavy?iterations=${iterations}`))
}
report()
server.kill()

function startServer() {
  const file = fileURLToPath(new URL('../examples/server/index.js', import.meta.url))
  const env = { ...process.env, PORT: '0' }
  const server = spawn(process.execPath, [file], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  // However the demo ends, the server does not outlive it.
  process.once('exit', () => server.kill('SIGKILL'))
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
  return server
}

/** The address that the server prints when it is ready. */
async function urlOf(server) {
  const lines = createInterface({ input: server.stdout })
  const [line] = await Promise.race([once(lines, 'line'), once(lines, 'close')])
  if (line === undefined) throw new Error('The example server did not start')
  return line.split(' ').at(-1)
}

/** As many iterations as block the event loop of this machine for BLOCKING_MS, if it has nothing else to do. */
async function calibrate() {
  const sample = 2e8
  let ms = Infinity
  // The shortest of several: the first pays for what is loaded on first use, and others may be disturbed.
  for (let i = 0; i < 6; i++) ms = Math.min(ms, await time(`/heavy-blocking?iterations=${sample}`))
  return Number(((sample * BLOCKING_MS) / ms).toPrecision(2))
}

async function askBoth(heavyPath) {
  const [heavy, fast] = await Promise.all([time(heavyPath), delay(HEAD_START_MS).then(() => time('/fast'))])
  return { heavy, fast }
}

/** Milliseconds until `path` is answered in full. */
async function time(path) {
  const start = performance.now()
  const response = await fetch(new URL(path, url))
  await response.arrayBuffer()
  if (!response.ok) throw new Error(`GET ${path} was answered ${response.status}`)
  return performance.now() - start
}

function report() {
  const heavy = [median(blocking, 'heavy'), median(offloaded, 'heavy')]
  const fast = [median(blocking, 'fast'), median(offloaded, 'fast')]
  const row = (label, cells) => label.padEnd(12) + cells.map((cell) => cell.padStart(14)).join('')
  const ms = (value) => `${value.toFixed(1)} ms`

  console.log(row('', ['blocking', 'offloaded']))
  console.log(row('GET /fast', fast.map(ms)))
  console.log(row('GET /heavy', heavy.map(ms)))
  console.log(`\nMedians; /heavy counts to ${iterations.toLocaleString('en-US')}.`)
  console.log(
    `With /heavy offloaded, /fast does not wait for it: it is answered ${Math.round(fast[0] / fast[1])}x sooner.`,
  )
}

function median(rounds, key) {
  return rounds.map((round) => round[key]).sort((a, b) => a - b)[(rounds.length - 1) / 2]
}
