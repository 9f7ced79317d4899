// The server of the soak: an Express server with a pool of its own, one for `map`, and a remote one. It counts what the callers of tasks
// see and what becomes of requests; asked to end, it closes all and says what is left in its process.
import { getEventListeners } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import express from 'express'
import { hash, heavyLoad, Pool, spin } from 'heavy-load'
import { errorHandler, offload } from 'heavy-load/express'
import { registerMetrics } from 'heavy-load/metrics'
import { RemotePool } from 'heavy-load/remote'
import { Registry } from 'prom-client'
import { Counts } from './counts.mjs'

const [connection, queue] = process.argv.slice(2)
const LOCAL_MS = 400
const REMOTE_MS = 4000
/** The inputs of a route that maps. */
const INPUTS = [1, 2, 3, 4, 5, 6, 7, 8]
/** How long what has been closed may take to be gone. */
const SETTLE_MS = 10_000
/** What an error says of its task's end, in the words of `stats()`; with any other it has failed. */
const ENDS = {
  ABORT_ERR: 'cancelled',
  ERR_POOL_CLOSED: 'cancelled',
  ERR_POOL_OVERLOADED: 'rejected',
  ERR_TASK_TIMEOUT: 'timedOut',
}
const NAMES = ['completed', 'failed', 'cancelled', 'timedOut', 'rejected']

const warnings = new Counts()
process.on('warning', ({ name, message }) => warnings.add(`${name}: ${message}`))
process.on('message', answer)
const before = surroundings()

const local = new Pool({ threads: 2, maxQueue: 24, name: 'local' })
const mapping = new Pool({ threads: 1, maxQueue: 4, name: 'mapping' })
// However often workers and Redis are killed, a job is not left to itself for long.
const remote = new RemotePool({ connection, queue, attempts: 10, backoff: 100 })
const register = new Registry()
const stopMetrics = registerMetrics(register, { pools: [local, mapping, remote] })
/** Lives as long as the server: whatever listens to it has to let it go. */
const life = new AbortController()
const seen = { local: new Counts(), mapping: new Counts(), remote: new Counts() }
const requests = new Counts()
const unexpected = new Counts()
let open = 0
/** By socket, what ends the requests on it. */
const openOn = new WeakMap()
let handling = 0
let listenersLeft = 0
let mostMemory = 0

const app = express()
app.use(follow)
const ofLocal = { timeout: LOCAL_MS, key: (request) => request.query.key, pool: local }
const ofRemote = { timeout: REMOTE_MS, pool: remote }
app.get(
  '/local/:n',
  handle('local', (request, task) => heavyLoad(Number(request.params.n), task), ofLocal),
)
app.get(
  '/spin/:ms',
  handle('local', async (request, task) => ((await spin(Number(request.params.ms), task)) > 0 ? 'spun' : ''), ofLocal),
)
app.get(
  '/remote/:n',
  handle('remote', (request, task) => heavyLoad(Number(request.params.n), task), ofRemote),
)
const bytes = express.raw({ type: '*/*', limit: '1mb' })
const digest = (request, task) => hash(request.body, { ...task, transfer: true, algorithm: 'sha256', encoding: 'hex' })
app.post('/digest/local', bytes, handle('local', digest, ofLocal))
app.post('/digest/remote', bytes, handle('remote', digest, ofRemote))
app.get('/map', handle('mapping', mapAll, { timeout: LOCAL_MS, pool: mapping }))
app.use(errorHandler())
app.use(answerOthers)
const server = createServer(app)

const answers = {
  open: () => ({ open, handling }),
  /** In bytes, after a collection: what grows from request to request shows. */
  memory,
  end,
}
setInterval(() => {
  mostMemory = Math.max(mostMemory, process.memoryUsage.rss())
}, 500).unref()
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))

async function answer({ id, what }) {
  try {
    process.send({ id, answer: await answers[what]() })
    if (what === 'end') process.disconnect()
  } catch (error) {
    process.send({ id, error: error.stack })
  }
}

/** Each request ends in one of two ways: with an answer, or without because its client has gone. */
function follow(request, response, next) {
  const { socket } = request
  const who = request.headers['x-soak']
  requests.add(`${who} came`)
  open++
  const over = () => {
    if (!openOn.get(socket).delete(over)) return
    open--
    requests.add(`${who} ${response.writableFinished ? response.statusCode : 'gone'}`)
  }
  if (!openOn.has(socket)) {
    const ofSocket = new Set()
    openOn.set(socket, ofSocket)
    // Of responses that wait for their turn on it, nothing else tells.
    socket.once('close', () =>
      setImmediate(() => {
        for (const over of ofSocket) over()
      }),
    )
  }
  openOn.get(socket).add(over)
  response.once('close', over)
  next()
}

/** A route whose tasks are counted by what its handler sees of them. */
function handle(pool, call, options) {
  return offload(async (request, task) => {
    // One whose client had gone before it was called is no task.
    const counts = !task.signal.aborted
    handling++
    try {
      const value = await call(request, task)
      if (pool !== 'mapping') seen[pool].add('completed')
      return value
    } catch (error) {
      const name = Object.hasOwn(ENDS, error.code) ? ENDS[error.code] : 'failed'
      if (counts) seen[pool].add(name)
      if (name === 'failed' && error.code !== 'ERR_REMOTE') unexpected.add(`${pool} ${error.code}: ${error.message}`)
      throw error
    } finally {
      handling--
      // Whatever listened to it listens no more, once what is settled has been heard of.
      setImmediate(() => {
        listenersLeft += getEventListeners(task.signal, 'abort').length
      })
    }
  }, options)
}

/** Beside the request's own signal one that outlives it. Leaves the loop early now and then. */
async function mapAll(request, { timeout, pool }) {
  const values = []
  for await (const { value } of pool.map(heavyLoad, INPUTS, { timeout, signal: life.signal, concurrency: 4 })) {
    values.push(value)
    if (request.query.leave !== undefined && values.length === 3) break
  }
  return values
}

/** What `offload` does not answer is a fault, if its client is still there. */
function answerOthers(error, _request, response, next) {
  if (response.headersSent || response.destroyed) return next(error)
  unexpected.add(`answered 500, ${error.code}: ${error.message}`)
  response.status(500).json({ error: { code: error.code } })
}

async function memory() {
  for (let time = 0; time < 3; time++) {
    globalThis.gc()
    await sleep(20)
  }
  const { heapUsed, external } = process.memoryUsage()
  return { used: heapUsed + external, most: mostMemory }
}

/** Closes everything, and says what was counted and what is left. */
async function end() {
  const metrics = await tasksInMetrics()
  server.close()
  server.closeIdleConnections()
  await Promise.all([local, mapping, remote].map((pool) => pool.close({ timeout: SETTLE_MS })))
  stopMetrics()
  const stats = { local: local.stats(), mapping: mapping.stats(), remote: remote.stats() }
  let after = surroundings()
  for (
    const giveUp = performance.now() + SETTLE_MS;
    left(after).length > 0 && performance.now() < giveUp;
    after = surroundings()
  )
    await sleep(50)
  return {
    requests: requests.all,
    seen: Object.fromEntries(Object.entries(seen).map(([name, counts]) => [name, ends((end) => counts.get(end))])),
    stats: Object.fromEntries(Object.entries(stats).map(([name, all]) => [name, ends((end) => all[end])])),
    atWork: Object.values(stats).reduce((sum, all) => sum + all.queued + all.running, 0),
    metrics,
    unexpected: unexpected.all,
    warnings: warnings.all,
    left: left(after),
    listenersLeft: listenersLeft + getEventListeners(life.signal, 'abort').length + local.listenerCount('drain'),
    memory: await memory(),
  }
}

function ends(count) {
  return Object.fromEntries(NAMES.map((name) => [name, count(name)]))
}

/** What metrics have counted, by pool and the name that `stats()` has for the outcome. */
async function tasksInMetrics() {
  const { values } = await register.getSingleMetric('heavy_load_tasks_total').get()
  const sum = (pool, outcome) =>
    values
      .filter(({ labels }) => labels.pool === pool && labels.outcome === outcome)
      .reduce((total, { value }) => total + value, 0)
  const of = (pool) => ends((end) => sum(pool, end === 'timedOut' ? 'timed_out' : end))
  return { local: of(local.name), mapping: of(mapping.name), remote: of(remote.name) }
}

/** What this process has open and listens to, counted by name. */
function surroundings() {
  const counts = new Counts()
  for (const name of process.getActiveResourcesInfo()) counts.add(`resource ${name}`)
  for (const name of process.eventNames()) counts.add(`listener ${String(name)}`, process.listenerCount(name))
  if (process.platform === 'linux') counts.add('open files', readdirSync('/proc/self/fd').length)
  return counts.all
}

/** What is there more of than before. */
function left(after) {
  const more = Object.entries(after).filter(([name, count]) => count > (before[name] ?? 0))
  return more.map(([name, count]) => `${name}: ${count} instead of ${before[name] ?? 0}`)
}
