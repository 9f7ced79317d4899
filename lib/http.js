'use strict'

/** What a task's life means in HTTP: shared by the adapters for Express, for Fastify and for Node's own server. */

const { types } = require('node:util')
const { codeOf, invalidType } = require('./errors.js')
const { AbortController, Buffer } = require('./host.js')
const { object, taskSettings } = require('./options.js')
const { TIMES, Times } = require('./observe.js')

/**
 * What an error's code is answered with (RFC 9110, 15.5 and 15.6); any other is not ours to answer.
 * @type {Record<string, number>}
 */
const STATUS = {
  ERR_INVALID_ARG_TYPE: 400,
  ERR_INVALID_ARG_VALUE: 400,
  ERR_INVALID_DATA: 400,
  ERR_OUT_OF_MEMORY: 503,
  ERR_OUT_OF_RANGE: 400,
  ERR_OUTPUT_TOO_LARGE: 413,
  ERR_POOL_CLOSED: 503,
  ERR_POOL_OVERLOADED: 503,
  ERR_TASK_TIMEOUT: 504,
}

/** What a handler may have set for its value, and what an error that is answered instead must not have. */
const VALUE_HEADERS = [
  'Cache-Control',
  'Content-Disposition',
  'Content-Encoding',
  'Content-Language',
  'Content-Length',
  'Content-Range',
  'Content-Type',
  'ETag',
  'Expires',
  'Last-Modified',
]

/** The options of a route that may be functions of the request. */
const OF_REQUEST = ['timeout', 'priority', 'key', 'weight', 'maxThreads', 'pool']

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
  object('options', options)
  const fixed = Object.entries(options).filter(([, value]) => typeof value !== 'function')
  taskSettings(Object.fromEntries(fixed))
  const { pool } = options
  if (pool !== undefined && typeof pool !== 'function' && typeof pool?.run !== 'function') {
    throw invalidType('options.pool', 'an instance of Pool or RemotePool, or a function', pool)
  }
}

/** A request's work: it lives no longer than somebody waits for the response. */
class Work {
  #client = new AbortController()
  #times = new Times()
  #response

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
    // A response that waits for its turn on the connection (pipelining) has no socket, and hears of no end.
    const socket = stream === undefined ? request?.socket : undefined
    socket?.once('close', gone)
    response.once('close', () => {
      socket?.off('close', gone)
      gone()
    })
  }

  /** Whether nobody is there to be answered, or somebody else has begun to. */
  get isOver() {
    return this.#client.signal.aborted || this.#response.headersSent || this.#response.writableEnded
  }

  /**
   * Whether this is nothing but the end of work for which nobody waits any more.
   * @param {any} error
   */
  isAbandonment(error) {
    const { aborted, reason } = this.#client.signal
    if (!aborted) return false
    // `throwIfAborted` and fetch give the reason itself; who reads the request is told of the connection.
    return error === reason || codeOf(error) === 'ABORT_ERR' || error === this.#response.req?.errored
  }

  /**
   * The options for the request's tasks.
   * @param {any} options of the route
   * @param {any} request
   * @returns {RequestTask}
   */
  task(options, request) {
    /** @type {any} */
    const task = { signal: this.#client.signal, [TIMES]: this.#times }
    this.#times.route = routeOf(request)
    for (const name of OF_REQUEST) {
      const option = options[name]
      const value = typeof option === 'function' ? option(request) : option
      if (value !== undefined) task[name] = value
    }
    return task
  }

  /**
   * What its tasks took, all together, as Server-Timing has it (W3C Server Timing); none if there were none.
   * @returns {string | undefined}
   */
  get serverTiming() {
    const { tasks, queue, run } = this.#times
    return tasks === 0 ? undefined : `queue;dur=${milliseconds(queue)}, run;dur=${milliseconds(run)}`
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

/** @param {number} value */
function milliseconds(value) {
  return Number(value.toFixed(3))
}

/**
 * The answer to an error of heavy-load's; none if the error is not one to be answered like this.
 * @param {any} error
 * @returns {{ status: number, headers: Record<string, string>, body: object } | undefined}
 */
function answerTo(error) {
  const code = codeOf(error)
  if (code === undefined || !Object.hasOwn(STATUS, code)) return undefined
  /** @type {Record<string, string>} */
  const headers = {}
  if (code === 'ERR_POOL_OVERLOADED') headers['Retry-After'] = String(Math.max(1, Math.ceil(error.retryAfter ?? 1)))
  return { status: STATUS[code], headers, body: { error: { code, message: String(error.message) } } }
}

/**
 * Bytes as a Buffer over the same memory; none if the value is not bytes.
 * @param {any} value
 * @returns {Buffer | undefined}
 */
function bytesOf(value) {
  if (Buffer.isBuffer(value)) return value
  if (ArrayBuffer.isView(value))
    return Buffer.from(/** @type {any} */ (value.buffer), value.byteOffset, value.byteLength)
  if (types.isAnyArrayBuffer(value)) return Buffer.from(/** @type {any} */ (value))
  return undefined
}

module.exports = { VALUE_HEADERS, Work, answerTo, bytesOf, checkRoute }
