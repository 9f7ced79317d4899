// An Express server that stays quick while it works: what is heavy runs on heavy-load's threads, not on the event loop.
const express = require('express')
const { heavyLoad, heavyLoadSync, spin, spinSync } = require('heavy-load')

const app = express()

app.use(log)

app.get('/', (_req, res) => res.type('text').send('Ask for /fast while /heavy runs, and while /heavy-blocking does.'))
app.get('/fast', (_req, res) => res.json('fast'))

// Offloaded: everyone else is answered meanwhile. 8e9 steps take about a second on two cores.
app.get(
  '/heavy',
  offload((req, task) => heavyLoad(number(req.query.iterations, 8e9), task)),
)
app.get(
  '/non-blocking',
  offload((req, task) => spin(number(req.query.CPUTimeMs, 1000), task)),
)

// The same on the event loop, to compare: nobody else is answered until it is done.
app.get('/heavy-blocking', (req, res) => res.json(heavyLoadSync(number(req.query.iterations, 8e9))))
app.get('/blocking', (req, res) => res.json(spinSync(number(req.query.CPUTimeMs, 1000))))

app.use(answerError)

/** A route whose work lives no longer than its request: it stops when the client goes away, or after `?timeout=` ms. */
function offload(work) {
  return (req, res, next) => {
    const request = new AbortController()
    res.once('close', () => request.abort())
    const task = { signal: request.signal, timeout: number(req.query.timeout, 30_000) }
    work(req, task).then((value) => res.json(value), next)
  }
}

/** A number of the query. NaN if it is none: heavy-load refuses that, as it does what is out of range. */
function number(text, byDefault) {
  if (text === undefined) return byDefault
  return /\d/.test(text) ? Number(text) : NaN
}

const STATUS = {
  ERR_OUT_OF_RANGE: 400,
  ERR_POOL_OVERLOADED: 503,
  ERR_TASK_TIMEOUT: 504,
}

function answerError(error, _req, res, next) {
  // The client has gone: there is nobody to answer.
  if (error.code === 'ABORT_ERR') return
  const status = STATUS[error.code]
  if (status === undefined) return next(error)
  if (error.retryAfter) res.set('Retry-After', error.retryAfter)
  res.status(status).json({ error: { code: error.code, message: error.message } })
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
  // Takes no more connections, answers what it has been asked, and exits.
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close())
}

module.exports = { app }
