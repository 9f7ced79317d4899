// What TypeScript users of heavy-load/express write; types.spec.mjs compiles it. Expected errors are part of it.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import express, { type Request, type Response } from 'express'
import { defaultPool, type Executor, heavyLoad, Pool, sort } from 'heavy-load'
import { closeOnSignals, errorHandler, type OffloadOptions, offload, type RequestTask } from 'heavy-load/express'

const pool = new Pool()
const app = express()

// The request is Express's, without being told.
app.get(
  '/heavy',
  offload((req, task) => heavyLoad(Number(req.query.iterations), task), { timeout: 2000, key: (req) => req.ip }),
)

// It is not of any type.
app.get(
  '/users/:id',
  // @ts-expect-error misspelt
  offload((req, task) => heavyLoad(Number(req.parms.id), task)),
)
app.get(
  '/users/:id',
  // @ts-expect-error a parameter is a string, which heavyLoad does not take
  offload((req, task) => heavyLoad(req.params.id, task)),
)
app
  .route('/users/:id')
  .all(offload((req, task) => heavyLoad(Number(req.params.id), task)))
  // @ts-expect-error misspelt
  .get(offload(() => 1, { key: (req) => req.ipp }))
app.use(
  // @ts-expect-error misspelt
  offload((_req, _task, res) => res.jsn(1)),
)
app.get(
  '/users/:id',
  offload((req: Request<{ id: string }>, task) => heavyLoad(req.params.id.length, task)),
)

// The response, too; a task's options can be copied into others.
app.post(
  '/sort',
  offload(
    async (req: Request, task: RequestTask, res: Response) => {
      const sorted: Float64Array = await sort(Float64Array.from(req.body), { ...task, transfer: true })
      res.type('bin').status(201)
      return sorted
    },
    { priority: (req) => (req.get('x-hurry') ? 'high' : undefined), weight: 2, maxThreads: 1, pool },
  ),
)

// Every option by the request; a pool of any make.
const options: OffloadOptions<Request> = {
  timeout: (req) => Number(req.query.timeout),
  priority: () => 'low',
  key: (req) => req.hostname,
  weight: () => 2,
  maxThreads: () => undefined,
  pool: (req): Executor | undefined => (req.query.own ? pool : defaultPool),
}
app.use(offload(() => undefined, options))
app.use(
  '/mounted',
  express.Router().all(
    '/',
    offload(() => null),
  ),
  errorHandler(),
)
app.use(errorHandler())

// Plain node:http.
createServer(offload((req, task) => heavyLoad(req.url?.length ?? 0, task), { key: (req) => req.socket.remoteAddress }))
const plain = offload((req: IncomingMessage, _task, res) => res.end(req.url))
createServer(plain)
app.use(plain)
createServer(
  // @ts-expect-error it is Express's
  offload((req: Request) => req.params.id),
)

export async function usage(request: IncomingMessage, response: ServerResponse, task: RequestTask) {
  const route = offload((_req, { signal, timeout, priority, key }) => {
    const aborted: boolean = signal.aborted
    const ms: number | undefined = timeout
    return [aborted, ms, priority, key]
  })
  const answered: Promise<void> = route(request, response)
  await route(request, response, (error) => void error)
  await heavyLoad(1, task)
  // @ts-expect-error a route has a handler
  offload({ timeout: 1 })
  // @ts-expect-error there is no such priority
  offload(() => 1, { priority: 'urgent' })
  // @ts-expect-error nor may a function give it
  offload(() => 1, { priority: () => 'urgent' })
  // @ts-expect-error a number of milliseconds
  offload(() => 1, { timeout: '1s' })
  // @ts-expect-error the signal is that of the request
  offload(() => 1, { signal: new AbortController().signal })
  // @ts-expect-error an address is no pool
  offload(() => 1, { pool: 'redis://localhost' })
  // @ts-expect-error it takes no options
  errorHandler({})
  return answered
}

// Errors answered by the app; a handler that hands on; the end.
app.use(
  offload(
    (req, task, res, next) => {
      const left: number | undefined = task.timeout
      if (left === undefined) next()
      else res.send(req.path)
    },
    {
      errors: 'next',
      onError: (error, req, res, next) =>
        res.headersSent ? next(error) : res.status(error.status ?? 500).send(req.path),
    },
  ),
)
export const ended: Promise<void> = closeOnSignals(app.listen(0), pool, defaultPool)
// @ts-expect-error there is no such way
offload(() => 1, { errors: 'throw' })
// @ts-expect-error a pool can be closed
closeOnSignals(createServer(), 'pool')
