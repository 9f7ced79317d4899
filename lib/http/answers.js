'use strict'

/** What an error is answered with: those of heavy-load's own, as far as they are an answer to a client; never those of others. */

const { STATUS_CODES } = require('node:http')
const { codeOf, extend, factsOf, faultOf, isTimeout, withoutValue } = require('../errors.js')
const { process } = require('../host.js')

/** The longest Retry-After, in seconds: who is to wait for longer may as well ask. */
const LONGEST_RETRY_S = 60

/** How a message ends that is about an input that was not there. */
const MISSING = ' Received undefined'

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
  'Transfer-Encoding',
]

/**
 * @typedef {{ status: number, retryAfter: number | undefined, headers: Record<string, string>, body: { error: { code: string, message: string } } }} Answer
 */

/**
 * The answer to an error of heavy-load's; none if the error is not one to be answered like this.
 * @param {any} error
 * @param {any} [request] Node's or Express's, if the app's body parser leaves what it has read there
 * @returns {Answer | undefined}
 */
function answerTo(error, request) {
  const fault = faultOf(error)
  const code = answeredCode(error)
  const { status, ofInput } = factsOf(code) ?? {}
  if (fault === undefined || status === undefined) return undefined
  if (ofInput && (fault !== 'input' || lacksParser(error, request))) return undefined
  const retryAfter = status === 503 ? seconds(error.retryAfter) : undefined
  return {
    status,
    retryAfter,
    headers: retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) },
    body: { error: { code: String(code), message: messageTo(error, code, status) } },
  }
}

/**
 * What a client is told. In production nothing that may be of the machine: an address of Redis, the size of its memory; nor the value that
 * an argument error shows, which may be the server's own as well as the client's.
 * @param {any} error
 * @param {unknown} code
 * @param {number} status
 * @returns {string}
 */
function messageTo(error, code, status) {
  if (isProduction()) return status >= 500 ? String(STATUS_CODES[status]) : withoutValue(error.message)
  const { message } = code === codeOf(error) ? error : error.cause
  return String(message)
}

/**
 * Whether an input was missing because the route has no body parser: the request has a body, and nobody has looked for one.
 * @param {any} error
 * @param {any} request
 */
function lacksParser(error, request) {
  if (request?.headers === undefined || 'body' in request || !String(error.message).endsWith(MISSING)) return false
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers
  return encoding !== undefined || Number(length) > 0
}

/**
 * A task that was ended by a signal whose time is over, as AbortSignal.timeout() makes one, is out of time like any other.
 * @param {any} error
 */
function answeredCode(error) {
  const code = codeOf(error)
  return code === 'ABORT_ERR' && faultOf(error) !== undefined && isTimeout(error.cause) ? 'ERR_TASK_TIMEOUT' : code
}

/**
 * Retry-After, in whole seconds; none without a number.
 * @param {unknown} value
 */
function seconds(value) {
  if (typeof value !== 'number' || Number.isNaN(value)) return undefined
  return Math.min(Math.max(1, Math.ceil(value)), LONGEST_RETRY_S)
}

/**
 * Has an error of ours say what it would be answered with, as the error handlers of Express and Fastify look for it.
 * @param {any} error
 * @param {any} [request]
 */
function withStatus(error, request) {
  const answer = answerTo(error, request)
  if (answer === undefined) return error
  const { status, retryAfter, headers } = answer
  try {
    extend(error, retryAfter === undefined ? { status } : { status, retryAfter, headers })
  } catch {
    // It is frozen, or has such a property that is not to be written: it goes as it is.
  }
  return error
}

function isProduction() {
  return process.env.NODE_ENV === 'production'
}

module.exports = { VALUE_HEADERS, answerTo, isProduction, withStatus }
