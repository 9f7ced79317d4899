// The demo of many machines: a Redis, two workers and a batch of tasks. One worker is killed in the middle; every task
// arrives all the same.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { heavyLoad } from '../index.js'
import { RemotePool, startWorker } from '../lib/bullmq.js'

const TASKS = 200
/** Some milliseconds each. */
const STEPS = 2e7
/** How soon the others take over what a dead worker had: at home it is ten seconds. */
const LOCK_MS = 1000

if (process.argv[2] === 'worker') await work(process.argv[3])
else await demo()

/** What runs on each of the other machines. */
async function work(connection) {
  await startWorker({ connection, lockDuration: LOCK_MS })
  console.log('ready')
}

async function demo() {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
  if (spawnSync('redis-server', ['--version']).status !== 0) {
    console.error('demo:remote needs redis-server. Debian: apt-get install redis-server; macOS: brew install redis')
    process.exit(1)
  }
  const folder = mkdtempSync(join(tmpdir(), 'heavy-load-demo-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const port = await freePort()
  await start('redis-server', ['--port', port, '--bind', '127.0.0.1', '--dir', folder, '--save', ''], /Ready to accept/)
  const connection = `redis://127.0.0.1:${port}`
  const self = [import.meta.filename, 'worker', connection]
  const workers = [await start(process.execPath, self, /ready/), await start(process.execPath, self, /ready/)]
  console.log(
    `Redis and two workers run. ${TASKS} tasks of ${STEPS.toExponential()} steps are sent; after a third of them one`,
  )
  console.log('worker is killed, with the tasks that it holds.\n')

  const pool = new RemotePool({ connection })
  const started = performance.now()
  const seconds = () => `${((performance.now() - started) / 1e3).toFixed(2).padStart(5)} s`
  const inputs = Array.from({ length: TASKS }, (_, index) => STEPS + index)
  let arrived = 0
  let killedAt
  for await (const { index, value } of pool.map(heavyLoad, inputs, { concurrency: TASKS, ordered: false })) {
    if (value !== inputs[index]) throw new Error(`Task ${index} gave ${value} instead of ${inputs[index]}`)
    arrived++
    if (arrived % 50 === 0) console.log(`${seconds()}  ${String(arrived).padStart(3)} arrived`)
    if (arrived === Math.ceil(TASKS / 3)) {
      const [victim] = workers
      victim.kill('SIGKILL')
      killedAt = arrived
      console.log(`${seconds()}  worker ${victim.pid} is killed`)
    }
  }
  await pool.close()
  console.log(
    `\n${arrived} of ${TASKS} tasks have arrived, each once and with the right answer; ${TASKS - killedAt} after the kill.`,
  )
  process.exit(arrived === TASKS ? 0 : 1)
}

/** Starts a process that ends with this one; resolves when it has printed `ready`. */
async function start(command, args, ready) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  process.once('exit', () => child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)
  for await (const line of lines) {
    if (!ready.test(line)) continue
    child.stdout.resume()
    return child
  }
  throw new Error(`${command} has not started`)
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  return port
}
