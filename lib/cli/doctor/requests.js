'use strict'

/** Loaded in the server: counts what is asked of it. A server that nobody has asked for anything cannot be cleared. */

const { subscribe } = require('node:diagnostics_channel')
const { Server } = require('node:net')

/** Of HTTP/1 what is no ordinary request, and of HTTP/2 each. As a listener would change what Node.js does, they are seen when they are emitted. */
const EVENTS = new Set(['upgrade', 'connect', 'stream'])

/** @returns {() => number} how many there were: requests, and connections of servers that do not speak HTTP */
function countRequests() {
  let count = 0
  subscribe('http.server.request.start', () => {
    count++
  })
  const prototype = /** @type {any} */ (Server.prototype)
  const parent = Object.getPrototypeOf(prototype)
  prototype.emit = function (/** @type {string | symbol} */ name, /** @type {any[]} */ ...args) {
    if (name === 'connection' ? !isHttp(this) : EVENTS.has(/** @type {string} */ (name))) count++
    // node:domain may have put its own there.
    return parent.emit.call(this, name, ...args)
  }
  return () => count
}

/** @param {any} server */
function isHttp(server) {
  // No other server has that.
  return typeof server.setTimeout === 'function'
}

module.exports = { countRequests }
