'use strict'

const { LONGEST_TIMER_MS } = require('../options.js')
const { withoutRepeats } = require('../repeats.js')
const { integer, parse } = require('./arguments.js')
const { UsageError, lineOf } = require('./errors.js')
const plugins = require('./kernels.js')
const { healthRoutes, metricsRoutes, serve } = require('./metrics.js')
const redis = require('./redis.js')

/** How long running jobs get at the end, in milliseconds: with GIVE_BACK_MS less than the 30 s after which Kubernetes kills. */
const DEFAULT_TIMEOUT_MS = 20_000
/** How long Redis may take to hear that jobs are given back, in milliseconds. */
const GIVE_BACK_MS = 5000
/** How often the same error is logged, in milliseconds. */
const REPEAT_MS = 60_000
/** How often is looked whether Redis has gone, and come back, in milliseconds. */
const LOOK_MS = 100

const USAGE = `Usage: heavy-load worker [options]

Runs the tasks that RemotePools put into a queue. SIGTERM or SIGINT ends it: it takes no more jobs and finishes those it
has; at a second signal it gives them back to the queue at once.

Options:
  --redis URL           default REDIS_URL, else redis://127.0.0.1:6379; rediss:// for TLS. A URL with a password is
                        better given as REDIS_URL: others on the machine may see arguments.
  --queue NAME          default heavy-load
  --prefix TEXT         of the queue's keys in Redis; default bull
  --kernels FILE        a plug-in, whose kernels it runs, too; several times for several
  --concurrency N       jobs it holds at once; default 4 a thread, at least 16
  --threads N           default HEAVY_LOAD_THREADS, else the CPUs it may use
  --timeout MS          at the end: how long the jobs it has get before they are given back; default ${DEFAULT_TIMEOUT_MS}
  --lock-duration MS    how long after its death its jobs are another worker's, about; default 3000
  --health-port PORT    serves /livez (it answers) and /readyz (it takes jobs, and Redis is there)
  --health-host HOST    default 127.0.0.1
  --metrics-port PORT   serves /metrics for Prometheus (needs the package prom-client), /livez and /readyz
  --metrics-host HOST   default 127.0.0.1
`

/** @param {string[]} args */
async function main(args) {
  const { values, positionals } = parse(args, {
    ...redis.OPTIONS,
    ...plugins.OPTION,
    concurrency: { type: 'string' },
    threads: { type: 'string' },
    timeout: { type: 'string' },
    'lock-duration': { type: 'string' },
    'health-port': { type: 'string' },
    'health-host': { type: 'string' },
    'metrics-port': { type: 'string' },
    'metrics-host': { type: 'string' },
  })
  if (positionals.length > 0) throw new UsageError('worker takes only options')
  const place = redis.placeOf(values)
  const concurrency = integer(values, 'concurrency', 1, LONGEST_TIMER_MS)
  const threads = integer(values, 'threads', 1, 1024)
  const timeout = integer(values, 'timeout', 0, LONGEST_TIMER_MS - GIVE_BACK_MS) ?? DEFAULT_TIMEOUT_MS
  const lockDuration = integer(values, 'lock-duration', 100, LONGEST_TIMER_MS)
  const healthPort = integer(values, 'health-port', 0, 65535)
  const metricsPort = integer(values, 'metrics-port', 0, 65535)

  plugins.loadFiles(values.kernels)
  const { startWorker } = require('../remote/index.js')
  const { Pool, defaultPool } = require('../pool/index.js')
  const pool = threads === undefined ? defaultPool : new Pool({ threads })
  /** @type {Awaited<ReturnType<typeof startWorker>> | undefined} */
  let worker
  let signals = 0
  const health = healthRoutes(() => worker?.ready === true && signals === 0)
  const servers = await serveAll([
    { what: 'health', path: '/readyz', port: healthPort, host: values['health-host'], routes: () => health },
    {
      what: 'metrics',
      path: '/metrics',
      port: metricsPort,
      host: values['metrics-host'],
      routes: () => ({ ...metricsRoutes(pool), ...health }),
    },
  ])

  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  let logError = errorLog()
  const onError = (/** @type {unknown} */ error) => logError(error)
  worker = await startWorker({ ...place.options, pool, concurrency, lockDuration, onError })
  const what = `takes jobs of '${place.options.queue}' at ${place.address}`
  const addresses = servers.map(({ what, url }) => `, ${what} at ${url}`).join('')
  log(`${what}: ${pool.threads} threads, concurrency ${worker.concurrency}${addresses}`)
  whenBack(worker, () => {
    log(`${what} again`)
    // If it goes once more, that is news.
    logError = errorLog()
  })

  /** @param {NodeJS.Signals} signal */
  async function stop(signal) {
    // It has no jobs yet.
    if (worker === undefined) process.exit()
    const isFirst = ++signals === 1
    const left = isFirst ? timeout : 0
    const what = isFirst ? `takes no more jobs, finishes those it has within ${timeout} ms` : 'gives its jobs back'
    log(`${signal}: ${what}`)
    setTimeout(giveUp, left + GIVE_BACK_MS).unref()
    await worker.close(left === 0 ? { force: true } : { timeout: left })
    if (!isFirst) return
    for (const server of servers) await server.close()
    await pool.close()
    log('has ended')
  }
}

/**
 * @param {{ what: string, path: string, port?: number, host?: string, routes: () => import('./metrics.js').Routes }[]} wanted those without a port
 *   are not
 */
async function serveAll(wanted) {
  const servers = []
  for (const { what, path, port, host = '127.0.0.1', routes } of wanted) {
    if (port === undefined) continue
    const { url, close } = await serve({ port, host, routes: routes() })
    servers.push({ what, url: url + path, close })
  }
  return servers
}

/**
 * @param {{ ready: boolean }} worker
 * @param {() => void} tell called when it takes jobs again after it could not
 */
function whenBack(worker, tell) {
  let wasReady = true
  const look = () => {
    const isReady = worker.ready
    if (isReady && !wasReady) tell()
    wasReady = isReady
  }
  setInterval(look, LOOK_MS).unref()
}

/** Redis is away: the jobs cannot be given back, and are taken over as those of a worker that has died. */
function giveUp() {
  log('Redis does not answer: ends without it')
  process.exit(1)
}

/** Logs errors, the same one at most once a minute. */
function errorLog() {
  const isNew = withoutRepeats(REPEAT_MS)
  return (/** @type {unknown} */ error) => {
    const line = lineOf(error)
    if (isNew(line)) log(line)
  }
}

/** @param {string} line */
function log(line) {
  process.stderr.write(`heavy-load worker: ${line}\n`)
}

module.exports = { main, usage: () => USAGE }
