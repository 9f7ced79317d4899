// The demo of many machines: a Redis, two workers and a batch of tasks. One worker is killed in the middle; every task
// arrives all the same.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { heavyLoad } from '../index.js'
import { RemotePool, startWorker } from '../lib/remote/index.js'
import { redisIsInstalled, startRedis } from '../tools/redis.mjs'

const TASKS = 200
/** Some milliseconds each. */
const STEPS = 2e7

if (process.argv[2] === 'worker') await work(process.argv[3])
else await demo()

/** What runs on each of the other machines. */
async function work(connection) {
  await startWorker({ connection })
  console.log('ready')
}

async function demo() {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
  if (!redisIsInstalled) {
    console.error('demo:remote needs redis-server. Debian: apt-get install redis-server; macOS: brew install redis')
    process.exit(1)
  }
  const redis = await startRedis()
  const connection = redis.url
  const workers = [await startWorkerProcess(connection), await startWorkerProcess(connection)]
  console.log(
    `Redis and two workers run. ${TASKS} tasks of ${STEPS.toExponential()} steps are sent; after a third of them one`,
  )
  console.log(
    'worker is killed, with the tasks that it holds: the other has them when their locks have ended, after some seconds.\n',
  )

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

/** Starts a worker that ends with this process; resolves when it takes tasks. */
async function startWorkerProcess(connection) {
  const child = spawn(process.execPath, [import.meta.filename, 'worker', connection], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  process.once('exit', () => child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)
  const [line] = await Promise.race([once(lines, 'line'), once(lines, 'close')])
  if (line === undefined) throw new Error('A worker has not started')
  return child
}
