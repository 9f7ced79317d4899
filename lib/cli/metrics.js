'use strict'

/** What a worker tells those who watch it, over HTTP. */

const { once } = require('node:events')
const { createServer } = require('node:http')
const { registerMetrics } = require('../metrics.js')

/**
 * `/metrics`, and `/healthz`: 200 or 503.
 * @param {{ port: number, host: string, pool: import('../pool.js').Pool, isHealthy: () => boolean }} options
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
async function serve({ port, host, pool, isHealthy }) {
  const register = registry()
  registerMetrics(register, { pools: [pool] })
  const server = createServer(async ({ url = '' }, response) => {
    const [path] = url.split('?')
    response.setHeader('Content-Type', 'text/plain; charset=utf-8')
    if (path === '/metrics') {
      response.setHeader('Content-Type', register.contentType).end(await register.metrics())
    } else if (path === '/healthz') {
      response.writeHead(isHealthy() ? 200 : 503).end(isHealthy() ? 'takes jobs\n' : 'takes no jobs\n')
    } else {
      response.writeHead(404).end('There are /metrics and /healthz\n')
    }
  })
  server.listen(port, host)
  await once(server, 'listening')
  const { address, family, port: actual } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${actual}/metrics`,
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
    throw Object.assign(new Error('--metrics-port needs a package more: npm install prom-client'), { code })
  }
}

module.exports = { serve }
