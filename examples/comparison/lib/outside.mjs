// What strategies need that does not come with Node: where it listens, and how it is started.
import { connect } from 'node:net'
import { redisUrl } from './queue.mjs'

/** How long it may take to be reached. */
const PATIENCE_MS = 500

/** @typedef {{ host: string, port: number, remedy: string }} Need */

/** @returns {Need} */
export function redisNeed(url = redisUrl()) {
  const { hostname, port, host } = new URL(url)
  const start = 'redis-server --save "" (Debian: apt-get install redis-server), or set REDIS_URL'
  return {
    // Of an IPv6 address, without its brackets.
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || 6379),
    remedy: `There is no Redis at ${host}. Start one: ${start}`,
  }
}

/** @returns {Need} */
export function pm2Need() {
  const port = Number(process.env.HEAVY_PM2_PORT ?? 3101)
  const start = 'cd examples/comparison && npx pm2@7.0.4 start ecosystem.config.cjs'
  return { host: '127.0.0.1', port, remedy: `PM2 does not run the server on port ${port}. Start it: ${start}` }
}

/**
 * Whether anybody listens there, and no more than that: a strategy that is used says itself what else is wrong.
 * @param {Need} need
 * @returns {Promise<boolean>}
 */
export function isThere({ host, port }) {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: PATIENCE_MS })
    const answer = (isThere) => {
      socket.destroy()
      resolve(isThere)
    }
    socket.once('connect', () => answer(true))
    for (const event of ['timeout', 'error']) socket.once(event, () => answer(false))
  })
}
