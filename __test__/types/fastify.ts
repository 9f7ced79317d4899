// What TypeScript users of heavy-load/fastify write; types.spec.mjs compiles it. Expected errors are part of it.
import type { Readable } from 'node:stream'
import Fastify, { type FastifyRequest } from 'fastify'
import { hash, heavyLoad, Pool } from 'heavy-load'
import heavyLoadPlugin, { closeOnSignals, errorHandler, type RequestTask } from 'heavy-load/fastify'

const app = Fastify()
void app.register(heavyLoadPlugin)
app.setErrorHandler(errorHandler)

app.get(
  '/heavy',
  app.offload((request, task) => heavyLoad(request.url.length, task), { timeout: 2000, key: (request) => request.ip }),
)

interface Item {
  Params: { id: string }
}
app.get<Item>(
  '/items/:id',
  app.offload((request: FastifyRequest<Item>, task: RequestTask) => heavyLoad(Number(request.params.id), task)),
)
app.get<Item>(
  '/others/:id',
  // @ts-expect-error misspelt
  app.offload((request: FastifyRequest<Item>, task) => heavyLoad(Number(request.parms.id), task)),
)

app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload))
app.post(
  '/upload',
  app.offload((request: FastifyRequest<{ Body: Readable }>, task) => hash(request.body, { ...task, encoding: 'hex' })),
)

export const ended: Promise<void> = closeOnSignals(app, new Pool(), { timeout: 25_000, answerTimeout: 20_000 })
export const withoutPools: Promise<void> = closeOnSignals(app, { timeout: 25_000 })
// @ts-expect-error the pools come first
closeOnSignals(app, { timeout: 25_000 }, new Pool())
