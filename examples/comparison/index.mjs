// An Express server that does the same heavy work in every way there is, so that they can be compared.
import { fileURLToPath } from 'node:url'
import express from 'express'
import { defaultPool } from 'heavy-load'
import { live } from './lib/live.mjs'
import { routes as queueRoutes } from './lib/queue-routes.mjs'
import { strategyRoutes } from './lib/route.mjs'
import { strategies } from './lib/strategies.mjs'

/** How long requests that are under way may still take once the server is asked to end. */
const GRACE_MS = 10_000

/**
 * `close(graceMs)` gives heavy requests in flight that time, stops them then, and ends all that the app keeps: pools, farms, streams.
 * `running()` is how many are in flight.
 */
export function createApp() {
  const app = express()
  const heavy = strategyRoutes(strategies)

  app.get('/fast', (_req, res) => res.send('fast'))
  // Opened as all strategies are, so that it is closed with them.
  app.use('/strategies/queue/jobs', (_req, _res, next) => heavy.open('queue').then(() => next(), next))
  queueRoutes(app)
  app.use('/strategies', heavy.router)
  const watching = live(app, { running: heavy.running })
  app.use('/vendor/uplot', express.static(fileURLToPath(new URL('.', import.meta.resolve('uplot')))))
  app.use(express.static(fileURLToPath(new URL('public', import.meta.url))))

  async function close(graceMs) {
    watching.close()
    await heavy.close(graceMs)
  }

  return { app, running: heavy.running, close }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { app, close } = createApp()
  // Whoever can reach this server can keep all its cores busy: only this machine can.
  const server = app.listen(process.env.PORT || 3000, '127.0.0.1', (error) => {
    if (error) throw error
    console.log(`Listening on http://localhost:${server.address().port}`)
  })
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => shutDown(server, close))
}

/** Takes no more connections, answers what it has been asked, ends what it keeps, and so comes to its end. */
async function shutDown(server, close) {
  server.close()
  // Clients keep their connections alive: as soon as one has its answer, it is let go.
  setInterval(() => server.closeIdleConnections(), 100).unref()
  // Whoever has not read the answer by then does not want it.
  setTimeout(() => server.closeAllConnections(), GRACE_MS).unref()
  await close(GRACE_MS)
  await defaultPool.close()
}
