'use strict'

/** What a worker serves to those who watch it, over HTTP. */

const { once } = require('node:events')
const { createServer } = require('node:http')
const { extend } = require('../errors.js')

const TEXT = 'text/plain; charset=utf-8'

/**
 * What is answered, by path.
 * @typedef {Record<string, () => Answer | Promise<Answer>>} Routes
 * @typedef {{ status: number, type?: string, body: string }} Answer
 */

/**
 * `/livez`: whether the process answers. `/readyz`: whether it takes jobs.
 * @param {() => boolean} isReady
 * @returns {Routes}
 */
function healthRoutes(isReady) {
  const ready = () => (isReady() ? { status: 200, body: 'takes jobs\n' } : { status: 503, body: 'takes no jobs\n' })
  return { '/livez': () => ({ status: 200, body: 'lives\n' }), '/readyz': ready }
}

/**
 * `/metrics`.
 * @param {import('../pool/index.js').Pool} pool
 * @returns {Routes}
 */
function metricsRoutes(pool) {
  const { registerMetrics } = require('../metrics/index.js')
  const register = registry()
  registerMetrics(register, { pools: [pool] })
  return { '/metrics': async () => ({ status: 200, type: register.contentType, body: await register.metrics() }) }
}

/**
 * @param {{ port: number, host: string, routes: Routes }} options
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
async function serve({ port, host, routes }) {
  const known = `There are ${Object.keys(routes).join(', ')}\n`
  const server = createServer(async ({ url = '' }, response) => {
    const [path] = url.split('?')
    const answer = Object.hasOwn(routes, path) ? await routes[path]() : { status: 404, body: known }
    const { status, type = TEXT, body } = answer
    response.writeHead(status, { 'Content-Type': type }).end(body)
  })
  server.listen(port, host)
  await once(server, 'listening')
  const { address, family, port: actual } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${actual}`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function registry() {
  try {
    const { Registry } = require('prom-client')
    return new Registry()
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    if (code !== 'MODULE_NOT_FOUND') throw error
    throw extend(new Error('--metrics-port needs a package more: npm install prom-client'), { code })
  }
}

module.exports = { healthRoutes, metricsRoutes, serve }
