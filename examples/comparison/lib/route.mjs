// GET /strategies, and GET /strategies/:name, which does the work: one route for all, so that they differ in nothing else.
import { setTimeout as sleep } from 'node:timers/promises'
import { Router } from 'express'
import { offload } from 'heavy-load/express'
import { amountOf } from './amount.mjs'
import { eventStream } from './event-stream.mjs'
import { jobs } from './jobs.mjs'
import { isThere } from './outside.mjs'

/** What offload() does not answer by itself. */
const STATUS = {
  ERR_STRATEGY_UNAVAILABLE: 503,
  ERR_UNKNOWN_STRATEGY: 404,
}

/**
 * `running()`: heavy requests in flight. `open(name)`: what a strategy's open() has given, which is asked once.
 * `close(graceMs)` gives what is in flight that time, stops it then, and ends what the strategies keep.
 */
export function strategyRoutes(strategies) {
  const router = new Router()
  /** What the strategies' open() has promised, by strategy. */
  const opened = new Map()
  /** What is in flight. It is so until its work has ended, also when its client has not waited for that. */
  const inFlight = new Set()

  router.get('/', async (_req, res) => {
    res.json(await Promise.all(strategies.map(describe)))
  })

  // offload() gives the signal that the client has gone, and says in Server-Timing what heavy-load's own tasks took.
  router.get(
    '/:name',
    offload(async (req, task, res) => {
      const strategy = find(strategies, req.params.name)
      const amount = amountOf(req.query, jobs[strategy.job])
      if (req.accepts(['json', 'text/event-stream']) === 'text/event-stream') {
        await stream(strategy, amount, task, res)
      } else {
        return measure(strategy, amount, task, res)
      }
    }),
  )

  router.use((error, _req, res, next) => {
    // Half an answer cannot be mended: Express cuts it off.
    if (res.headersSent) return next(error)
    res.status(STATUS[error.code] ?? error.status ?? 500).json({ error: failure(error) })
  })

  async function stream(strategy, amount, task, res) {
    const events = eventStream(res)
    try {
      const result = await measure(strategy, amount, { ...task, onProgress: events.progress }, res)
      events.end('result', result)
    } catch (error) {
      events.end('failure', failure(error))
    }
  }

  async function measure(strategy, amount, task, res) {
    const work = { strategy, res, ended: perform(strategy, amount, task) }
    inFlight.add(work)
    try {
      return await work.ended
    } catch (error) {
      // Libraries have errors of their own for this; by the signal's reason offload() sees that nothing has gone wrong.
      task.signal.throwIfAborted()
      throw error
    } finally {
      inFlight.delete(work)
    }
  }

  async function perform(strategy, amount, { onProgress = () => {}, ...task }) {
    const { run } = await open(strategy)
    task.signal.throwIfAborted()
    const start = performance.now()
    const answer = await run(amount, { ...task, onProgress })
    return { strategy: strategy.name, answer, ms: performance.now() - start }
  }

  async function open(strategy) {
    if (!opened.has(strategy)) opened.set(strategy, strategy.open())
    try {
      return await opened.get(strategy)
    } catch (error) {
      // What was missing may be there the next time.
      opened.delete(strategy)
      throw error
    }
  }

  async function close(graceMs = 0) {
    const ended = (works) => Promise.allSettled(works.map((work) => work.ended))
    const patience = new AbortController()
    const grace = sleep(graceMs, undefined, { signal: patience.signal }).catch(() => {})
    await Promise.race([ended([...inFlight]), grace])
    patience.abort()
    for (const { res } of inFlight) res.destroy()
    await ended([...inFlight].filter(({ strategy }) => strategy.can.cancel))
    const isOpen = (await Promise.allSettled(opened.values())).filter(({ status }) => status === 'fulfilled')
    await Promise.all(isOpen.map(({ value }) => value.close()))
  }

  return { router, running: () => inFlight.size, open: async (name) => open(find(strategies, name)), close }
}

/** For clients. `unavailable`: how that is started without which it cannot run now; null if there is nothing. */
async function describe({ name, job, title, summary, can, need }) {
  const needed = need?.()
  const unavailable = needed === undefined || (await isThere(needed)) ? null : needed.remedy
  return { name, route: `/strategies/${name}`, job: jobs[job], title, summary, can, unavailable }
}

function find(strategies, name) {
  const strategy = strategies.find((strategy) => strategy.name === name)
  if (strategy !== undefined) return strategy
  throw Object.assign(new Error(`There is no strategy "${name}"`), { code: 'ERR_UNKNOWN_STRATEGY' })
}

function failure(error) {
  return { code: error.code ?? 'ERR_STRATEGY_FAILED', message: error.message }
}
