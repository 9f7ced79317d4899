'use strict'

/** Routes for Express 4 and 5, and for plain `node:http`. */

const { STATUS_CODES } = require('node:http')
const { pipeline } = require('node:stream/promises')
const { codeOf, makeError } = require('../errors.js')
const { Buffer } = require('../host.js')
const { RequestScope, checkRoute } = require('./request.js')
const { VALUE_HEADERS, answerTo, isProduction, withStatus } = require('./answers.js')
const {
  begun,
  bytesOf,
  checkJson,
  discard,
  hasNoBody,
  headersOf,
  isError,
  noJson,
  ofLength,
  streamOf,
  awaited,
} = require('./bodies.js')
const { closeOnSignals } = require('./ending.js')
const { logAnswer, toConsole } = require('./log.js')

const JSON_TYPE = 'application/json; charset=utf-8'
const TEXT_TYPE = 'text/plain; charset=utf-8'
const BYTES_TYPE = 'application/octet-stream'

/** Of the parameters of handlers, which one is the response: who takes it may answer by it. */
const RESPONSE_PARAMETER = 3
/** Larger bodies, in bytes, get no ETag: the event loop would stand still for 2 ms a MiB. */
const LARGEST_TAGGED_BYTES = 2 ** 20

/**
 * A route whose work stops when its client goes away, and whose errors are answered.
 * @param {(request: any, task: import('./request.js').RequestTask, response: any, next: (error?: unknown) => void) => unknown} handler
 * @param {any} [options]
 */
function offload(handler, options = {}) {
  checkRoute(handler, options)
  const { errors, onError } = options
  const mayAnswer = handler.length >= RESPONSE_PARAMETER
  /**
   * @param {any} request
   * @param {any} response
   * @param {(error?: unknown) => void} [next]
   */
  return function offloaded(request, response, next) {
    refuseReply(response, 'app.offload, once heavy-load/fastify is registered')
    const scope = new RequestScope(response)
    let isHandedOn = false
    // Before Express 5, nobody looks at a promise that a handler returns: this one does not reject.
    return answer()

    async function answer() {
      try {
        const returned = handler(request, scope.task(options, request), response, handOn)
        scope.readOn()
        const value = await awaited(returned)
        if (value === response || (value === undefined && mayAnswer)) return
        if (isHandedOn || scope.isOver) return discard(value, scope.signal.aborted)
        // As Fastify has it: in JSON, nothing would be left of it.
        if (isError(value)) throw value
        await send(response, value, scope)
      } catch (error) {
        await react(error).catch(failAtLast)
      }
    }

    /** @param {unknown} error */
    async function react(error) {
      // Somebody else answers, and cannot if there is an answer already.
      if (isHandedOn || scope.isAbandonment(error)) return
      if (!scope.isOver) setServerTiming(response, scope)
      if (onError !== undefined) {
        await onError(withStatus(error, request), request, response, handOn)
      } else if (errors === 'next' && next !== undefined) {
        fail(withStatus(error, request), response, next)
      } else if (!answerError(response, error)) {
        fail(error, response, next)
      }
    }

    /** @param {unknown} error of what was to answer another */
    function failAtLast(error) {
      if (isHandedOn) return
      try {
        fail(error, response, next)
      } catch {
        // An answer that does not come is worse than none.
        response.destroy()
      }
    }

    /** @param {unknown} [error] */
    function handOn(error) {
      isHandedOn = true
      try {
        if (next !== undefined) next(error)
        else if (error === undefined) notFound(response)
        else if (!answerError(response, error)) fail(error, response, next)
      } catch (another) {
        isHandedOn = false
        throw another
      }
    }
  }
}

/**
 * Error-handling middleware that answers heavy-load's errors and passes all others on.
 * @param {any[]} given nothing; a request and so on where it is used as middleware itself, which would never answer
 */
function errorHandler(...given) {
  if (given.length > 0)
    throw makeError('ERR_INVALID_ARG_VALUE', 'errorHandler makes the middleware: app.use(errorHandler())')
  /**
   * @param {any} error
   * @param {any} _request
   * @param {any} response
   * @param {(error?: unknown) => void} next
   */
  return function heavyLoadErrorHandler(error, _request, response, next) {
    refuseReply(response, 'errorHandler of heavy-load/fastify, as it is: app.setErrorHandler(errorHandler)')
    // The client has gone, and so the work was stopped: there is nobody to answer.
    if (codeOf(error) === 'ABORT_ERR' && response.destroyed) return
    if (!answerError(response, error)) next(error)
  }
}

/**
 * Throws if it is a reply of Fastify's, which is no response.
 * @param {any} response
 * @param {string} instead
 */
function refuseReply(response, instead) {
  if (typeof response?.hijack !== 'function') return
  throw makeError('ERR_INVALID_ARG_VALUE', `heavy-load/express is for Express and node:http. Fastify takes ${instead}`)
}

/**
 * @param {any} response
 * @param {RequestScope} scope
 */
function setServerTiming(response, scope) {
  const timing = scope.takeServerTiming()
  if (timing !== undefined) response.appendHeader('Server-Timing', timing)
}

/**
 * Sends a value as Express does, but that a number is a body and never a status, and a string is text.
 * @param {any} response
 * @param {any} value
 * @param {RequestScope} scope
 */
async function send(response, value, scope) {
  const streamed = streamOf(value, scope.handler)
  if (streamed !== undefined) {
    await sendStream(response, streamed, scope)
    return
  }
  const body = typeof value === 'string' ? value : bytesOf(value)
  if (body === undefined) checkJson(value, scope.handler, Boolean(response.app?.get?.('json replacer')))
  setServerTiming(response, scope)
  if (value === undefined) {
    if (response.statusCode === 200) response.statusCode = 204
    response.removeHeader('Content-Length')
    response.end()
  } else if (body === undefined) {
    sendJson(response, value, scope.handler)
  } else {
    setType(response, typeof body === 'string' ? TEXT_TYPE : BYTES_TYPE)
    sendBody(response, body)
  }
}

/**
 * @param {any} response
 * @param {import('./bodies.js').Streamed} streamed
 * @param {RequestScope} scope
 */
async function sendStream(response, streamed, scope) {
  const { stream, type = BYTES_TYPE, length, status } = streamed
  if (stream !== undefined) await begun(stream, scope.signal)
  if (scope.isOver) {
    stream?.destroy()
    return
  }
  let body = stream
  try {
    if (status !== undefined) response.statusCode = status
    for (const [name, value] of headersOf(streamed)) {
      if (name === 'set-cookie' || name === 'server-timing') response.appendHeader(name, value)
      else response.setHeader(name, value)
    }
    setServerTiming(response, scope)
    if (stream !== undefined && !hasNoBody(response)) {
      setType(response, type)
      if (length !== undefined) response.setHeader('Content-Length', length)
    }
    // Of a 304, it is that of what the client has.
    if (response.statusCode === 204) response.removeHeader('Content-Length')
    if (hasBody(response)) body = ofLength(stream, response.getHeader('Content-Length'), scope.handler)
  } catch (error) {
    stream?.destroy()
    throw error
  }
  if (body === undefined || !hasBody(response)) {
    stream?.destroy()
    response.end()
    return
  }
  // While there still can be another answer.
  if (body !== stream) await begun(body, scope.signal)
  if (scope.isOver) {
    body.destroy()
    return
  }
  await pipeline(body, response, { signal: scope.signal })
}

/** @param {any} response */
function hasBody(response) {
  return response.req?.method !== 'HEAD' && !hasNoBody(response)
}

/**
 * With Express by its own `json`, which has the app's settings.
 * @param {any} response
 * @param {any} value
 * @param {string} [who] has returned it; nobody where it is our own
 */
function sendJson(response, value, who = 'heavy-load') {
  if (typeof response.json !== 'function') {
    const json = JSON.stringify(value)
    if (json === undefined) throw noJson(value, who)
    setType(response, JSON_TYPE)
    sendBody(response, json)
    return
  }
  const hasType = response.hasHeader('Content-Type')
  // `json` makes the text and hands it to `send`: in between, it is seen whether there is one, and how long it is.
  const own = Object.getOwnPropertyDescriptor(response, 'send')
  const restore = () =>
    own ? Object.defineProperty(response, 'send', Object.setPrototypeOf(own, null)) : delete response.send
  response.send = (/** @type {string | undefined} */ json) => {
    restore()
    if (!hasType) response.removeHeader('Content-Type')
    if (json === undefined) throw noJson(value, who)
    setType(response, JSON_TYPE)
    sendBody(response, json)
    return response
  }
  try {
    response.json(value)
  } finally {
    restore()
  }
}

/**
 * @param {any} response
 * @param {string} type unless the handler has set another
 */
function setType(response, type) {
  if (!response.hasHeader('Content-Type')) response.setHeader('Content-Type', type)
}

/**
 * With Express by its own `send`, which knows of ETags and HEAD; but that it would compute the ETag of a large body on the event loop.
 * @param {any} response
 * @param {Buffer | string} body
 */
function sendBody(response, body) {
  const isTagged = body.length <= LARGEST_TAGGED_BYTES || response.hasHeader('ETag')
  if (typeof response.send === 'function' && isTagged) {
    response.send(body)
    return
  }
  // By Express: the client has it already, by what the handler has said of its age.
  if (response.req?.fresh === true) response.statusCode = 304
  if (hasNoBody(response)) {
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
  const answer = answerTo(error, response.req)
  if (answer === undefined || response.headersSent || response.destroyed) return false
  answerWith(response, answer)
  // With Express, by its own setting.
  const isTest = response.app?.get?.('env') === 'test'
  if (!isTest) logAnswer(error, answer, response.req, toConsole)
  return true
}

/**
 * @param {any} response
 * @param {{ status: number, headers?: Record<string, string>, body: object }} answer
 */
function answerWith(response, { status, headers = {}, body }) {
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  for (const name of VALUE_HEADERS) response.removeHeader(name)
  sendJson(response, body)
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
    toConsole(error, 'heavy-load cut off an answer')
    response.destroy(error)
    return
  }
  if (response.destroyed) return
  answerWith(response, { status: 500, body: { error: unknown(error) } })
  // Express, in this place, logs all that it answers.
  toConsole(error, 'heavy-load answered 500')
}

/**
 * Plain `node:http` has nothing after the route.
 * @param {any} response
 */
function notFound(response) {
  if (response.headersSent || response.destroyed) return
  answerWith(response, { status: 404, body: { error: { code: 'ERR_NOT_FOUND', message: STATUS_CODES[404] } } })
}

/**
 * What is answered to an error that nobody expected: in production nothing that could be a secret.
 * @param {any} error
 */
function unknown(error) {
  const code = 'ERR_INTERNAL_SERVER_ERROR'
  if (isProduction()) return { code, message: STATUS_CODES[500] }
  try {
    const { stack } = error ?? {}
    const own = error?.code
    return {
      code: typeof own === 'string' || typeof own === 'number' ? own : code,
      message: String(error?.message ?? error),
      stack: typeof stack === 'string' ? stack : undefined,
    }
  } catch {
    // It does not let itself be looked at.
    return { code, message: STATUS_CODES[500] }
  }
}

module.exports = { closeOnSignals, errorHandler, offload }
