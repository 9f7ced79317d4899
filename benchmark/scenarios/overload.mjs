// A server that is asked for three times what it can do: who is answered, how soon the others know, and what /fast costs.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import express from 'express'
import { heavyLoad } from '../../index.js'
import { errorHandler, offload } from '../../lib/express.js'
import { registerMetrics } from '../../lib/metrics.js'
import { open } from '../lib/contestants.mjs'
import { workerFile } from '../lib/workers.mjs'

export const title = 'GET /heavy at three times the capacity, each with a deadline of a second'

export const contestants = ['heavy-load', 'heavy-load-unlimited', 'piscina']

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
  { figure: 'refused', title: 'refused with 503', unit: '% of all', better: 'neither' },
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
]

/** Some 40 ms on two threads. */
const STEPS = 3e8
const DEADLINE_MS = 1000
const TIMES_CAPACITY = 3
const CALIBRATION_MS = 2000

/** A route of each contestant for the same work, with the same deadline. */
const ROUTES = {
  'heavy-load': () => offload((_request, task) => heavyLoad(STEPS, task), { timeout: DEADLINE_MS }),
  // The deadline as most have it: work that is late is given up, and nothing is refused.
  'heavy-load-unlimited': () => offload((_request, task) => heavyLoad(STEPS, { signal: bySignal(task.signal) })),
}

export async function measure({ contestant, threads, quick }) {
  const pool = await open(contestant === 'heavy-load-unlimited' ? 'heavy-load' : contestant, { threads })
  const capacity = await tasksPerSecond(pool, 2 * threads)
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

async function tasksPerSecond(pool, lanes) {
  const end = performance.now() + CALIBRATION_MS
  let done = 0
  const lane = async () => {
    while (performance.now() < end) {
      await pool.count(STEPS)
      done++
    }
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: lanes }, lane))
  return (1e3 * done) / (performance.now() - start)
}
