'use strict'

/** What a task's life means in HTTP: shared by the adapters for Express, for Fastify and for Node's own server. */

const { codeOf, invalidType, invalidValue } = require('../errors.js')
const { AbortController, performance } = require('../host.js')
const { answerTo } = require('./answers.js')
const { onClose } = require('./sockets.js')
const { refuseUnknown, taskSettings } = require('../options.js')
const { TIMES } = require('../observe.js')
const { checkThreads, defaultPool, tasks } = require('../pool/index.js')
const { isTouched } = require('../source.js')
const { Times } = require('../times.js')

// A server loads it all when it starts, and nothing in its first request.
tasks()

/** The options of a route that may be functions of the request. */
const OF_REQUEST = ['timeout', 'priority', 'key', 'weight', 'maxThreads', 'pool']

const ROUTE_OPTIONS = new Set([...OF_REQUEST, 'onError', 'errors'])
/** Methods with which a body means nothing (RFC 9110, 9.3.1 and 9.3.2). */
const WITHOUT_BODY = new Set(['GET', 'HEAD'])
/** How much of a body is kept for a handler that does not read it yet: more than body parsers take. */
const MOST_UNREAD_BYTES = 2 ** 18
/** Who answers errors of ours. */
const ERRORS = ['answer', 'next']

/**
 * The options of the tasks of one request.
 * @typedef {{ signal: AbortSignal, timeout?: number, priority?: string, key?: string, weight?: number, maxThreads?: number,
 *   pool?: any }} RequestTask
 */

/**
 * Checks a route's options once, so that a mistake in them is found when the server starts.
 * @param {unknown} handler
 * @param {any} options
 */
function checkRoute(handler, options) {
  if (typeof handler !== 'function') throw invalidType('handler', 'of type function', handler)
  refuseUnknown('options', options, ROUTE_OPTIONS)
  const fixed = OF_REQUEST.filter((name) => typeof options[name] !== 'function').map((name) => [name, options[name]])
  taskSettings(Object.fromEntries(fixed))
  const { pool, onError, errors } = options
  if (onError !== undefined && typeof onError !== 'function')
    throw invalidType('options.onError', 'of type function', onError)
  if (errors !== undefined && !ERRORS.includes(errors))
    throw invalidValue('options.errors', "must be one of: 'answer', 'next'", errors)
  if (pool !== undefined && typeof pool !== 'function' && typeof pool?.run !== 'function') {
    throw invalidType('options.pool', 'an instance of Pool or RemotePool, or a function', pool)
  }
  // What would fail with every request fails now.
  if (pool === undefined || pool === defaultPool) checkThreads()
}

/** A request's work: it lives no longer than somebody waits for the response. */
class RequestScope {
  #client = new AbortController()
  #times = new Times()
  #began = performance.now()
  #response
  /** @type {any} none before its options were asked for */
  #request
  #isTimed = false

  /** @param {import('node:http').ServerResponse} response */
  constructor(response) {
    this.#response = response
    const { req: request, stream } = /** @type {any} */ (response)
    const gone = () => {
      // With HTTP/2, a stream that was reset counts as finished, whatever was written to it.
      if (!(response.writableEnded && response.writableFinished))
        this.#client.abort(new Error('The client has gone away'))
    }
    // It may have gone while something before us kept the request waiting.
    if (response.closed || response.destroyed || stream?.destroyed || request?.socket?.destroyed) {
      gone()
      return
    }
    /** @type {(() => void)[]} */
    const forgets = []
    const over = () => {
      for (const forget of forgets) forget()
      gone()
    }
    const listen = (/** @type {any} */ emitter, /** @type {string} */ event) => {
      emitter.once(event, over)
      forgets.push(() => emitter.off(event, over))
    }
    listen(response, 'close')
    if (stream !== undefined) {
      // With HTTP/2, it depends on the method and on the moment which of these comes.
      listen(stream, 'close')
      listen(stream, 'aborted')
    } else if (request?.socket) {
      // A response that waits for its turn on the connection (pipelining) has no socket, and hears of no end.
      forgets.push(onClose(request.socket, gone))
    }
  }

  /** Aborts when the client has gone away. */
  get signal() {
    return this.#client.signal
  }

  /** Whether nobody is there to be answered, or somebody else has begun to. */
  get isOver() {
    return this.#client.signal.aborted || this.#response.headersSent || this.#response.writableEnded
  }

  /** How an error names what has been returned for it. */
  get handler() {
    return handlerOf(this.#request)
  }

  /**
   * Whether this is nothing but the end of work for which nobody waits any more.
   * @param {any} error
   */
  isAbandonment(error) {
    const { aborted, reason } = this.#client.signal
    if (!aborted) return false
    // `throwIfAborted` and fetch give the reason itself; who reads the request, or pipes into the response, gets the connection's error.
    if (error === reason || error === this.#response.req?.errored) return true
    const code = codeOf(error)
    if (code === 'ABORT_ERR' || code === 'ERR_STREAM_PREMATURE_CLOSE') return true
    // What would have been an answer is none any more.
    return answerTo(error) !== undefined
  }

  /**
   * The options for the request's tasks.
   * @param {any} options of the route
   * @param {any} request
   * @returns {RequestTask}
   */
  task(options, request) {
    this.#request = request
    /** @type {any} */
    const task = { [TIMES]: this.#times }
    /** @type {Record<string, unknown>} */
    const given = { signal: this.#client.signal }
    this.#times.route = routeOf(request)
    for (const name of OF_REQUEST) {
      const option = options[name]
      const value = typeof option === 'function' ? option(request) : option
      if (value === undefined) continue
      if (name === 'timeout') this.#limit(task, value)
      else given[name] = value
    }
    this.#times.given = given
    return Object.assign(task, given)
  }

  /**
   * Limits the request's tasks, all together; `task.timeout` says how much is left.
   * @param {any} task
   * @param {any} timeout
   */
  #limit(task, timeout) {
    // What is no timeout is refused where every task's is.
    if (typeof timeout !== 'number' || !(timeout > 0)) {
      task.timeout = timeout
      return
    }
    this.#times.limit(timeout, this.#began)
    const get = () => this.#times.left()
    const descriptor = { __proto__: null, get, enumerable: true, configurable: true }
    Object.defineProperty(task, 'timeout', descriptor)
  }

  /**
   * Has what the client still sends come in, though the handler does not read it: the end of a connection that nobody reads from is not noticed.
   * It is kept for whoever reads it later, up to a limit; where a body means nothing, it is dropped.
   */
  readOn() {
    const response = this.#response
    const { req: request, stream, writableEnded } = /** @type {any} */ (response)
    // HTTP/2 says so apart from the data.
    if (stream !== undefined || writableEnded || request?.headers === undefined) return
    if (!hasBody(request) || request.complete || isRead(request)) return
    if (WITHOUT_BODY.has(request.method)) {
      request.resume()
    } else if (request.readableLength < MOST_UNREAD_BYTES) {
      // For so much there is not enough: it takes nothing, and raises the limit to which the request fills.
      request.read(MOST_UNREAD_BYTES)
      // As Node does with a body that nobody has asked for.
      response.once('finish', () => isRead(request) || request.resume())
    }
  }

  /**
   * What its tasks took, all together, as Server-Timing has it (W3C Server Timing); none if it has called none. Once, however many ways lead to
   * the answer.
   * @returns {string | undefined}
   */
  takeServerTiming() {
    if (this.#isTimed || !this.#times.isCalled) return undefined
    this.#isTimed = true
    const { queue, run } = this.#times.sum()
    return `queue;dur=${milliseconds(queue)}, run;dur=${milliseconds(run)}`
  }
}

/**
 * The pattern of a request's route: in Fastify its whole path, in Express what the router was given that has it. Never a path that
 * somebody has asked for, of which there is no end.
 * @param {any} request
 * @returns {string | undefined}
 */
function routeOf(request) {
  const pattern = request.routeOptions?.url ?? request.route?.path
  return pattern === undefined ? undefined : String(pattern)
}

/**
 * Whether a request has a body, by what it says of it (RFC 9112, 6.3).
 * @param {any} request
 */
function hasBody({ headers }) {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0
}

/**
 * Whether somebody reads a request's body, or has.
 * @param {any} request
 */
function isRead(request) {
  return request.readableFlowing !== null || isTouched(request)
}

/**
 * How an error names a request's handler: by the route, and never by a path that a client has chosen.
 * @param {any} request
 */
function handlerOf(request) {
  const method = request?.method ?? 'a request'
  const route = request === undefined ? undefined : routeOf(request)
  return `The handler of ${route === undefined ? method : `${method} ${route}`}`
}

/** @param {number} value */
function milliseconds(value) {
  return Number(value.toFixed(3))
}

module.exports = { RequestScope, checkRoute, handlerOf }
