// A server that is asked for three times what it can do: who is answered, how soon the others know, and what /fast costs. And the pool
// by itself, asked for as much by as many clients: each of them is a key, or nobody has one.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import express from 'express'
import { heavyLoad } from '../../index.js'
import { errorHandler, offload } from '../../lib/http/express.js'
import { registerMetrics } from '../../lib/metrics/index.js'
import { play, poisson } from '../lib/arrivals.mjs'
import { open } from '../lib/contestants.mjs'
import { percentile } from '../lib/stats.mjs'
import { workerFile } from '../lib/workers.mjs'

export const title = 'Three times the capacity, each task with a deadline'

/** Over HTTP a task takes some 40 ms on two threads, and its deadline is a second. */
const OVER_HTTP = ['heavy-load', 'heavy-load-unlimited', 'piscina']
/** Without HTTP, and so without its cost, tasks of 20 ms with a deadline of half a second. */
const KEYS = {
  'heavy-load-0-keys': 0,
  'heavy-load-20-keys': 20,
  'heavy-load-100-keys': 100,
  'heavy-load-1000-keys': 1000,
}

export const contestants = [...OVER_HTTP, ...Object.keys(KEYS)]

export const rounds = 2

export const columns = [
  {
    figure: 'answered',
    title: 'answered in time',
    unit: '% of what there is capacity for',
    better: 'more',
    picture: 'linear',
  },
  { figure: 'share', title: 'that is', unit: '% of all', better: 'more' },
  { figure: 'refused', title: 'refused', unit: '% of all', better: 'neither' },
  { figure: 'refusedP99', title: 'refused after, p99', unit: 'ms' },
  { figure: 'late', title: 'too late or never', unit: '% of all', picture: 'linear' },
  { figure: 'fastP99', title: 'GET /fast, p99', unit: 'ms', picture: 'logarithmic' },
  { figure: 'metricsP99', title: 'GET /metrics, p99', unit: 'ms' },
]

export const goals = [
  { what: 'answered in time [% of capacity]', of: ({ ours }) => ours('answered'), atLeast: 85 },
  { what: 'too late or never [% of all]', of: ({ ours }) => ours('late'), atMost: 5 },
  { what: 'refused after, p99 [ms]', of: ({ ours }) => ours('refusedP99'), atMost: 50 },
  { what: 'GET /fast, p99 [ms]', of: ({ ours }) => ours('fastP99'), atMost: 10 },
  ...Object.entries(KEYS).flatMap(([form, keys]) => [
    { what: `${keys} keys: answered in time [% of capacity]`, of: ({ ours }) => ours('answered', form), atLeast: 85 },
    { what: `${keys} keys: too late or never [% of all]`, of: ({ ours }) => ours('late', form), atMost: 5 },
    { what: `${keys} keys: refused after, p99 [ms]`, of: ({ ours }) => ours('refusedP99', form), atMost: 50 },
  ]),
]

/** Some 40 ms on two threads. */
const STEPS = 3e8
const DEADLINE_MS = 1000
const TIMES_CAPACITY = 3
const CALIBRATION_MS = 2000

const KEYED = { taskMs: 20, deadlineMs: 500, seconds: 3, calibrationMs: 1000, seed: 14 }

/** A route of each contestant for the same work, with the same deadline. */
const ROUTES = {
  'heavy-load': () => offload((_request, task) => heavyLoad(STEPS, task), { timeout: DEADLINE_MS }),
  // The deadline as most have it: work that is late is given up, and nothing is refused.
  'heavy-load-unlimited': () => offload((_request, task) => heavyLoad(STEPS, { signal: bySignal(task.signal) })),
}

export function measure(settings) {
  return settings.contestant in KEYS ? measureKeys(settings) : measureServer(settings)
}

async function measureServer({ contestant, threads, quick }) {
  const pool = await open(contestant === 'heavy-load-unlimited' ? 'heavy-load' : contestant, { threads })
  const capacity = await tasksPerSecond(() => pool.count(STEPS), 2 * threads, CALIBRATION_MS)
  const app = express()
  const { Registry } = await import('prom-client')
  const register = new Registry()
  registerMetrics(register)
  app.get('/fast', (_request, response) => response.send('fast'))
  app.get('/metrics', async (_request, response) => response.type('text').send(await register.metrics()))
  app.get('/heavy', ROUTES[contestant]?.() ?? plain(pool))
  app.use(lateAnswer)
  app.use(errorHandler())
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  const rate = Math.round(TIMES_CAPACITY * capacity)
  const load = { port, rate, seconds: quick ? 5 : 8, deadline: DEADLINE_MS }
  const client = fork(workerFile('overload.mjs'), [JSON.stringify(load)])
  const failed = once(client, 'exit').then(([code]) => Promise.reject(new Error(`the clients ended with ${code}`)))
  const [{ heavy, seconds, ...latencies }] = await Promise.race([once(client, 'message'), failed])
  const percent = (count) => (100 * count) / heavy.all
  return {
    figures: {
      answered: (100 * heavy.inTime) / (capacity * seconds),
      share: percent(heavy.inTime),
      refused: percent(heavy.refused),
      refusedP99: heavy.refusedP99,
      late: percent(heavy.all - heavy.inTime - heavy.refused),
      ...latencies,
    },
  }
}

async function measureKeys({ contestant, threads }) {
  const { taskMs, deadlineMs, seconds, calibrationMs, seed } = KEYED
  const pool = await open('heavy-load', { threads })
  const capacity = await tasksPerSecond(() => pool.spin(taskMs), 2 * threads, calibrationMs)
  const sizes = new Array(Math.round(TIMES_CAPACITY * capacity * seconds)).fill(taskMs)
  // As many threads as the calibration has found at work.
  const load = poisson(sizes, { share: TIMES_CAPACITY, threads: (capacity * taskMs) / 1e3, seed })
  const keys = KEYS[contestant]
  const outcomes = []
  const times = await play(load, async (ms) => {
    const number = outcomes.push('late') - 1
    const options = { timeout: deadlineMs, ...(keys > 0 && { key: `client ${number % keys}` }) }
    outcomes[number] = await pool.spin(ms, options).then(() => 'answered', outcomeOf)
  })
  const inTime = times.filter((time, number) => outcomes[number] === 'answered' && time <= deadlineMs).length
  const refused = times.filter((_, number) => outcomes[number] === 'refused')
  // What was let in is worked on until the last one has its answer.
  const took = Math.max(...times.map((time, number) => load[number].at + time)) / 1e3
  const percent = (count) => (100 * count) / load.length
  return {
    figures: {
      answered: (100 * inTime) / (capacity * took),
      share: percent(inTime),
      refused: percent(refused.length),
      refusedP99: refused.length > 0 ? percentile(refused, 99) : Number.NaN,
      late: percent(load.length - inTime - refused.length),
    },
  }
}

function outcomeOf(error) {
  if (error.code === 'ERR_POOL_OVERLOADED') return 'refused'
  if (error.code === 'ERR_TASK_TIMEOUT') return 'late'
  throw error
}

function bySignal(client) {
  const deadline = AbortSignal.timeout(DEADLINE_MS)
  return client === undefined ? deadline : AbortSignal.any([client, deadline])
}

function plain(pool) {
  return (_request, response, next) => {
    pool.count(STEPS, { signal: bySignal() }).then((counted) => response.json(counted), next)
  }
}

/** What was given up is answered as a gateway does. */
function lateAnswer(error, _request, response, next) {
  if (error.code === 'ERR_POOL_OVERLOADED' || response.headersSent) next(error)
  else response.status(504).end()
}

async function tasksPerSecond(task, lanes, ms) {
  const end = performance.now() + ms
  let done = 0
  const lane = async () => {
    while (performance.now() < end) {
      await task()
      done++
    }
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: lanes }, lane))
  return (1e3 * done) / (performance.now() - start)
}
