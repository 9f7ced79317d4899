// An Express server that stays quick while it works: what is heavy runs on heavy-load's threads, not on the event loop.
const express = require('express')
const { Registry } = require('prom-client')
const { defaultPool, heavyLoad, heavyLoadSync, spin, spinSync } = require('heavy-load')
const { closeOnSignals, errorHandler, offload } = require('heavy-load/express')
const { registerMetrics } = require('heavy-load/metrics')

/** The longest that a request may take, in milliseconds. */
const LONGEST_MS = 30_000

const app = express()
const register = new Registry()
registerMetrics(register)

app.use(log)

app.get('/', (_req, res) => res.type('text').send('Ask for /fast while /heavy runs, and while /heavy-blocking does.'))
app.get('/fast', (_req, res) => res.json('fast'))
app.get('/metrics', async (_req, res) => res.type(register.contentType).send(await register.metrics()))

/** Work lives no longer than its request, or `?timeout=` ms; and nobody's flood of requests keeps others waiting. */
const route = { timeout: timeoutOf, key: (req) => req.ip }

// Offloaded: everyone else is answered meanwhile. 8e9 steps take about a second on two cores.
app.get(
  '/heavy',
  offload((req, task) => heavyLoad(number(req.query.iterations, 8e9), task), route),
)
app.get(
  '/non-blocking',
  offload((req, task) => spin(number(req.query.CPUTimeMs, 1000), task), route),
)

// The same on the event loop, to compare: nobody else is answered until it is done.
app.get('/heavy-blocking', (req, res) => res.json(heavyLoadSync(number(req.query.iterations, 8e9))))
app.get('/blocking', (req, res) => res.json(spinSync(number(req.query.CPUTimeMs, 1000))))

app.use(errorHandler())

/** A number of the query. NaN if it is none: heavy-load refuses that, as it does what is out of range. */
function number(text, byDefault) {
  if (text === undefined) return byDefault
  return /\d/.test(text) ? Number(text) : NaN
}

/** What the client asks for, as far as the server can bear it: a timeout is the server's to choose. */
function timeoutOf(req) {
  const asked = Number(req.query.timeout)
  return asked > 0 ? Math.min(asked, LONGEST_MS) : LONGEST_MS
}

/** One line for each response, when it is over: method, path, status, milliseconds. */
function log(req, res, next) {
  const start = performance.now()
  const { method, path } = req
  res.once('close', () => {
    // 499 is what nginx logs for a client that did not wait for its answer.
    const status = res.writableFinished ? res.statusCode : 499
    console.log(`${method} ${path} ${status} ${(performance.now() - start).toFixed(1)} ms`)
  })
  next()
}

if (require.main === module) {
  const server = app.listen(process.env.PORT || 3000, (error) => {
    if (error) throw error
    console.log(`Listening on http://localhost:${server.address().port}`)
  })
  // Takes no more connections, answers what it has been asked, lets the threads go, and so comes to its end.
  closeOnSignals(server, defaultPool)
}

module.exports = { app, timeoutOf }
