// The server that cluster and PM2 run many of: every request in it counts on the event loop of the process that got it.
import express from 'express'
import { count } from '../lib/count.cjs'

/** Says in each answer which process gave it. */
export function createHeavyServer() {
  const app = express()
  app.get('/fast', (_req, res) => res.json({ answer: 'fast', pid: process.pid }))
  app.get('/heavy', (req, res) => res.json({ answer: count(Number(req.query.iterations)), pid: process.pid }))
  return app
}
