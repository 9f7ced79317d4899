'use strict'

/** The end of a server: it answers what it has been asked, then its pools end, and nothing keeps the process alive. */

const { once } = require('node:events')
const { invalidType } = require('../errors.js')
const { clearTimeout, performance, process, setTimeout } = require('../host.js')

/** What asks a process to end: Docker, Kubernetes and systemd; a terminal, and PM2. */
const SIGNALS = ['SIGTERM', 'SIGINT']
/** How long all of it may take, in milliseconds: Docker kills after ten seconds. */
const GRACE_MS = 9000
/** How long of that requests have to be answered before they are cut off. */
const ANSWERING_MS = 8000

/**
 * At SIGTERM or SIGINT, ends the server, then the pools. A second signal ends the process at once.
 * @param {any} server Node's, or Fastify's instance
 * @param {any[]} pools
 * @returns {Promise<void>} resolves when all has ended
 */
function closeOnSignals(server, ...pools) {
  for (const [name, value] of [['server', server], ...pools.map((pool) => ['pools', pool])]) {
    if (typeof value?.close !== 'function') throw invalidType(name, 'something that can be closed', value)
  }
  const sessions = sessionsOf(nodeServer(server))
  return new Promise((resolve) => {
    const begin = () => {
      for (const signal of SIGNALS) process.off(signal, begin)
      resolve(end(server, sessions, pools))
    }
    for (const signal of SIGNALS) process.on(signal, begin)
  })
}

/**
 * The HTTP/2 sessions that a server has, from now on: it does not know them itself, as it knows connections of HTTP/1.
 * @param {any} server Node's
 * @returns {Set<any>}
 */
function sessionsOf(server) {
  const sessions = new Set()
  server?.on?.('session', (/** @type {any} */ session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })
  return sessions
}

/**
 * @param {any} server
 * @param {Set<any>} sessions of HTTP/2
 * @param {any[]} pools
 */
async function end(server, sessions, pools) {
  const began = performance.now()
  // Whoever asks again on a connection that is there is answered, and asked to connect elsewhere next.
  nodeServer(server)?.prependListener?.('request', closeAfter)
  for (const session of sessions) session.close()
  await new Promise((resolve) => {
    const cut = setTimeout(() => {
      // Who is cut off has gone, and their work stops. What has become something else (WebSockets) is nobody's to wait for.
      nodeServer(server)?.closeAllConnections?.()
      for (const session of sessions) session.destroy()
      resolve(undefined)
    }, ANSWERING_MS)
    closed(server)
      // It was not running.
      .catch(() => {})
      .then(() => resolve(clearTimeout(cut)))
  })
  const timeout = Math.max(1, GRACE_MS - (performance.now() - began))
  await Promise.allSettled(pools.map((pool) => pool.close({ timeout })))
  // A cluster, or PM2, holds the process by this.
  if (process.connected) process.disconnect?.()
}

/**
 * @param {unknown} _request
 * @param {any} response
 */
function closeAfter(_request, response) {
  // HTTP/2 has no such thing: its sessions close by themselves.
  if (response.shouldKeepAlive === true) response.shouldKeepAlive = false
}

/** @param {any} server */
async function closed(server) {
  if (nodeServer(server) !== server) return server.close()
  if (!server.listening) return
  const closing = once(server, 'close')
  server.close()
  await closing
}

/**
 * Node's own server, which knows its connections.
 * @param {any} server
 */
function nodeServer(server) {
  return typeof server.listening === 'boolean' ? server : server.server
}

module.exports = { closeOnSignals }
