// The queue for clients that do not wait: they put a job in, and ask again later, perhaps another server, perhaps
// tomorrow.
import { strategy } from '../strategies/queue.mjs'
import { amountOf } from './amount.mjs'
import { jobs } from './jobs.mjs'

const STATUS = { ERR_OUT_OF_RANGE: 400, ERR_STRATEGY_UNAVAILABLE: 503 }

/**
 * Whoever closes the queue closes it for these routes too: there is one.
 * @param {import('express').Express} app
 */
export function routes(app) {
  const path = '/strategies/queue/jobs'

  app.post(path, async (req, res) => {
    const amount = amountOf(req.query, jobs[strategy.job])
    const queue = await strategy.open()
    const id = await queue.add(amount)
    res.status(202).location(`${path}/${id}`).json({ id })
  })

  app.get(`${path}/:id`, async (req, res) => {
    const queue = await strategy.open()
    const job = await queue.look(req.params.id)
    if (job === undefined) res.status(404).json({ error: { code: 'ERR_UNKNOWN_JOB', message: 'There is no such job' } })
    else res.json(job)
  })

  // Whoever does not wait cannot hang up either.
  app.delete(`${path}/:id`, async (req, res) => {
    const queue = await strategy.open()
    await queue.cancel(req.params.id)
    res.status(204).end()
  })

  app.use(path, (error, _req, res, next) => {
    const { code, message } = error
    if (res.headersSent || !Object.hasOwn(STATUS, code)) return next(error)
    res.status(STATUS[code]).json({ error: { code, message } })
  })
}
