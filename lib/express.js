'use strict'

/** Routes for Express 4 and 5, and for plain `node:http`. */

const { STATUS_CODES } = require('node:http')
const { codeOf } = require('./errors.js')
const { Buffer } = require('./host.js')
const { VALUE_HEADERS, Work, answerTo, bytesOf, checkRoute } = require('./http.js')

const JSON_TYPE = 'application/json; charset=utf-8'
const HTML_TYPE = 'text/html; charset=utf-8'
const BYTES_TYPE = 'application/octet-stream'

/**
 * A route whose work stops when its client goes away, and whose errors are answered.
 * @param {(request: any, task: import('./http.js').RequestTask, response: any) => unknown} handler
 * @param {any} [options]
 */
function offload(handler, options = {}) {
  checkRoute(handler, options)
  /**
   * @param {any} request
   * @param {any} response
   * @param {(error?: unknown) => void} [next]
   */
  return function offloaded(request, response, next) {
    const work = new Work(response)
    // Before Express 5, nobody looks at a promise that a handler returns: this one does not reject.
    return answer()

    async function answer() {
      try {
        const value = await handler(request, work.task(options, request), response)
        if (work.isOver) return
        send(response, value, work)
      } catch (error) {
        if (work.isAbandonment(error)) return
        if (!work.isOver) setServerTiming(response, work)
        if (!answerError(response, error)) fail(error, response, next)
      }
    }
  }
}

/** Error-handling middleware that answers heavy-load's errors and passes all others on. */
function errorHandler() {
  /**
   * @param {any} error
   * @param {any} _request
   * @param {any} response
   * @param {(error?: unknown) => void} next
   */
  return function heavyLoadErrorHandler(error, _request, response, next) {
    // The client has gone, and so the work was stopped: there is nobody to answer.
    if (codeOf(error) === 'ABORT_ERR' && response.destroyed) return
    if (!answerError(response, error)) next(error)
  }
}

/**
 * @param {any} response
 * @param {Work} work
 */
function setServerTiming(response, work) {
  const timing = work.serverTiming
  if (timing !== undefined) response.appendHeader('Server-Timing', timing)
}

/**
 * Sends a value as Express does, but that a number is a body and never a status.
 * @param {any} response
 * @param {any} value
 * @param {Work} work
 */
function send(response, value, work) {
  const { body, type } = bodyOf(value)
  setServerTiming(response, work)
  if (body === undefined) {
    if (response.statusCode === 200) response.statusCode = 204
    response.end()
  } else {
    write(response, body, type)
  }
}

/**
 * @param {any} value
 * @returns {{ body?: Buffer | string, type: string }}
 */
function bodyOf(value) {
  if (value === undefined) return { type: '' }
  const bytes = bytesOf(value)
  if (bytes !== undefined) return { body: bytes, type: BYTES_TYPE }
  if (typeof value === 'string') return { body: value, type: HTML_TYPE }
  const json = JSON.stringify(value)
  if (json === undefined) throw new TypeError(`A handler returned a ${typeof value}, for which JSON has no place`)
  return { body: json, type: JSON_TYPE }
}

/**
 * With Express by its own `send`, which knows of ETags and HEAD.
 * @param {any} response
 * @param {Buffer | string} body
 * @param {string} type unless the handler has set another
 */
function write(response, body, type) {
  if (!response.hasHeader('Content-Type')) response.setHeader('Content-Type', type)
  if (typeof response.send === 'function') {
    response.send(body)
    return
  }
  if (response.statusCode === 204 || response.statusCode === 304) {
    response.removeHeader('Content-Type')
    response.end()
    return
  }
  response.setHeader('Content-Length', Buffer.byteLength(body))
  response.end(body)
}

/**
 * @param {any} response
 * @param {any} error
 * @returns {boolean} whether it is an error to be answered like this, and could be
 */
function answerError(response, error) {
  const answer = answerTo(error)
  if (answer === undefined || response.headersSent || response.destroyed) return false
  answerWith(response, answer)
  return true
}

/**
 * @param {any} response
 * @param {{ status: number, headers: Record<string, string>, body: object }} answer
 */
function answerWith(response, { status, headers, body }) {
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  for (const name of VALUE_HEADERS) response.removeHeader(name)
  response.setHeader('Content-Type', JSON_TYPE)
  write(response, JSON.stringify(body), JSON_TYPE)
}

/**
 * @param {any} error
 * @param {any} response
 * @param {((error?: unknown) => void) | undefined} next
 */
function fail(error, response, next) {
  if (typeof next === 'function') {
    // Express takes a false value for none, and would go on to the next route.
    next(error || new Error(`A handler threw ${error}`))
    return
  }
  if (response.headersSent) {
    // Half an answer is worse than none: the client is to see that it is cut off.
    response.destroy(error)
    return
  }
  if (response.destroyed) return
  answerWith(response, { status: 500, headers: {}, body: { error: unknown(error) } })
}

/**
 * What is told of an error that nobody expected: in production nothing that could be a secret.
 * @param {any} error
 */
function unknown(error) {
  const code = 'ERR_INTERNAL_SERVER_ERROR'
  if (process.env.NODE_ENV === 'production') return { code, message: STATUS_CODES[500] }
  try {
    return { code: error?.code ?? code, message: String(error?.message ?? error), stack: error?.stack }
  } catch {
    // It does not let itself be looked at.
    return { code, message: STATUS_CODES[500] }
  }
}

module.exports = { errorHandler, offload }
