'use strict'

/** Routes for Express 4 and 5, and for plain `node:http`. */

const { STATUS_CODES } = require('node:http')
const { Work, answerTo, bytesOf, checkRoute } = require('./http.js')

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
        setServerTiming(response, work)
        send(response, value)
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
    if (error?.code === 'ABORT_ERR' && response.destroyed) return
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
 */
function send(response, value) {
  const bytes = bytesOf(value)
  if (value === undefined) {
    if (response.statusCode === 200) response.statusCode = 204
    response.end()
  } else if (bytes !== undefined) {
    write(response, bytes, BYTES_TYPE)
  } else if (typeof value === 'string') {
    write(response, value, HTML_TYPE)
  } else {
    write(response, JSON.stringify(value), JSON_TYPE)
  }
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
  // What a handler has set was meant for its value.
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
    next(error)
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
  return { code: error?.code ?? code, message: String(error?.message ?? error), stack: error?.stack }
}

module.exports = { errorHandler, offload }
