'use strict'

/** The end of a server: it answers what it has been asked, then its pools end, and nothing keeps the process alive. */

const { invalidType } = require('../errors.js')
const { clearTimeout, performance, process, setTimeout } = require('../host.js')
const { LONGEST_TIMER_MS, integer, refuseUnknown } = require('../options.js')

/** What asks a process to end: Docker, Kubernetes and systemd; a terminal, and PM2. */
const SIGNALS = ['SIGTERM', 'SIGINT']
/** How long all of it may take, in milliseconds: Docker kills after ten seconds. */
const TIMEOUT_MS = 9000
/** How long before that requests are cut off, in milliseconds, so that their work can stop. */
const STOPPING_MS = 1000
const OPTIONS = new Set(['timeout', 'answerTimeout'])

/**
 * How long what may take, in milliseconds.
 * @typedef {{ timeout: number, answerTimeout: number }} Times
 */

/**
 * At SIGTERM or SIGINT, ends the server, then the pools. A second signal ends the process at once.
 * @param {any} server Node's, or Fastify's instance
 * @param {any[]} rest pools, and at last options
 * @returns {Promise<void>} resolves when all has ended
 */
function closeOnSignals(server, ...rest) {
  const options = isClosable(rest.at(-1)) || typeof rest.at(-1) !== 'object' ? {} : rest.pop()
  for (const [name, value] of [['server', server], ...rest.map((pool) => ['pools', pool])]) {
    if (!isClosable(value)) throw invalidType(name, 'something that can be closed', value)
  }
  const times = timesOf(options)
  const sessions = sessionsOf(nodeServer(server))
  return new Promise((resolve) => {
    const begin = () => {
      for (const signal of SIGNALS) process.off(signal, begin)
      resolve(end(server, sessions, rest, times))
    }
    for (const signal of SIGNALS) process.on(signal, begin)
  })
}

/** @param {any} value */
function isClosable(value) {
  return typeof value?.close === 'function'
}

/**
 * @param {any} options
 * @returns {Times}
 */
function timesOf(options) {
  refuseUnknown('options', options, OPTIONS)
  const { timeout = TIMEOUT_MS, answerTimeout } = options
  integer('options.timeout', timeout, 1, LONGEST_TIMER_MS)
  if (answerTimeout !== undefined) integer('options.answerTimeout', answerTimeout, 0, timeout)
  return { timeout, answerTimeout: answerTimeout ?? Math.max(timeout - STOPPING_MS, timeout / 2) }
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
 * @param {Times} times
 */
async function end(server, sessions, pools, { timeout, answerTimeout }) {
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
    }, answerTimeout)
    closed(server)
      // It was not running.
      .catch(() => {})
      .then(() => resolve(clearTimeout(cut)))
  })
  const left = Math.max(1, timeout - (performance.now() - began))
  await Promise.allSettled(pools.map((pool) => pool.close({ timeout: left })))
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

/**
 * Closes a server, and resolves when it has no connections any more. Somebody else may have begun to close it.
 * @param {any} server
 */
async function closed(server) {
  if (nodeServer(server) !== server) return server.close()
  await new Promise((resolve) => {
    server.once('close', resolve)
    if (server.listening) server.close()
    else
      server.getConnections((/** @type {Error | null} */ error, /** @type {number} */ count) => {
        // It was not running, or has ended before.
        if (error || count === 0) resolve(undefined)
      })
  })
}

/**
 * Node's own server, which knows its connections.
 * @param {any} server
 */
function nodeServer(server) {
  return typeof server.listening === 'boolean' ? server : server.server
}

module.exports = { closeOnSignals }
