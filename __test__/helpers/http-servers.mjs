// Servers of every kind that `offload` is for, over real HTTP. Routes are the same for all of them.
import { once } from 'node:events'
import { createServer, request as send } from 'node:http'
import { createRequire } from 'node:module'
import express5 from 'express'
import express4 from 'express4'
import Fastify from 'fastify'
import { offload } from 'heavy-load/express'
import plugin from 'heavy-load/fastify'

const { brand } = createRequire(import.meta.url)('../../lib/errors.js')

export const KINDS = ['Express 5', 'Express 4', 'node:http']
export const EXPRESS = { 'Express 5': express5, 'Express 4': express4 }

/**
 * Serves one route until the test ends.
 * @param {any} t
 * @param {string} kind of `KINDS`
 * @param {any} route what `offload` has made, as a rule
 * @param {{ before?: any[], after?: any[], env?: string }} [options] middleware, error-handling middleware (Express only), and
 *   Express's `env`, on which depends whether it logs errors
 * @returns {Promise<{ url: string, port: number, errors: unknown[] }>} `errors`: what has reached Express
 */
export async function serve(t, kind, route, { before = [], after = [], env = 'test' } = {}) {
  const errors = []
  const listener = kind in EXPRESS ? app(EXPRESS[kind], route, before, after, env, errors) : chain(before, route)
  const url = await listen(t, listener)
  return { url: `${url}/`, port: Number(new URL(url).port), errors }
}

/**
 * Serves until the test ends.
 * @returns {Promise<string>} where, without a slash at the end
 */
export async function listen(t, listener) {
  const server = createServer(listener)
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${server.address().port}`
}

function app(express, route, before, after, env, errors) {
  const app = express()
  app.set('env', env)
  for (const middleware of before) app.use(middleware)
  app.all('/', route)
  for (const middleware of after) app.use(middleware)
  app.use((error, _request, _response, next) => {
    errors.push(error)
    next(error)
  })
  return app
}

/** All of `KINDS`, and Fastify. */
export const ADAPTERS = [...KINDS, 'Fastify']

/**
 * Serves one handler of `offload`'s until the test ends, by whatever adapter; what it takes third answers by `send` or `end`.
 * @returns {Promise<{ url: string, port: number, errors: unknown[] }>}
 */
export async function serveHandler(t, kind, handler, options, more) {
  if (kind !== 'Fastify') return serve(t, kind, offload(handler, options), more)
  const errors = []
  const app = Fastify({ forceCloseConnections: true })
  t.teardown(() => app.close())
  await app.register(plugin)
  app.addHook('onError', async (_request, _reply, error) => void errors.push(error))
  app.get('/', app.offload(handler, options))
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return { url, port: app.server.address().port, errors }
}

/** An error of heavy-load's own, and whose mistake it is about. */
export function ours(code, more, fault = 'input') {
  return brand(Object.assign(new Error(`what ${code} says`), { code, ...more }), fault)
}

/** With nothing before it, the route is the server's listener itself. */
function chain(before, route) {
  return before.reduceRight(
    (next, middleware) => (request, response) => {
      middleware(request, response, () => next(request, response))
    },
    route,
  )
}

/** What a server says of its tasks, in milliseconds; `undefined` without tasks. */
export function timingOf(response) {
  const header = response.headers.get('server-timing')
  const found = /(?:^|, )queue;dur=(\d+(?:\.\d+)?), run;dur=(\d+(?:\.\d+)?)$/.exec(header ?? '')
  return found === null ? undefined : { queue: Number(found[1]), run: Number(found[2]) }
}

/** A client that can hang up, on a connection of its own. */
export function visit(url, options) {
  const request = send(url, { ...options, agent: false })
  // That it has hung up.
  request.on('error', () => {})
  if (options === undefined) request.end()
  return request
}

/** Resolves when the connection is closed. */
export async function hangUp(client) {
  const closed = new Promise((resolve) => client.once('close', resolve))
  client.destroy()
  await closed
}
