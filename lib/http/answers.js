'use strict'

/** What an error is answered with: those of heavy-load's own, as far as they are an answer to a client; never those of others. */

const { STATUS_CODES } = require('node:http')
const { codeOf, extend, factsOf, faultOf, isTimeout } = require('../errors.js')
const { process } = require('../host.js')

/** The longest Retry-After, in seconds: who is to wait for longer may as well ask. */
const LONGEST_RETRY_S = 60

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

/**
 * @typedef {{ status: number, retryAfter: number | undefined, headers: Record<string, string>, body: object }} Answer
 */

/**
 * The answer to an error of heavy-load's; none if the error is not one to be answered like this.
 * @param {any} error
 * @returns {Answer | undefined}
 */
function answerTo(error) {
  const fault = faultOf(error)
  const code = answeredCode(error)
  const { status, ofInput } = factsOf(code) ?? {}
  if (fault === undefined || status === undefined || (ofInput && fault !== 'input')) return undefined
  const retryAfter = status === 503 ? seconds(error.retryAfter) : undefined
  // What is not about the client's input may reveal something of the machine: an address of Redis, the size of its memory.
  const message = status >= 500 && isProduction() ? STATUS_CODES[status] : String(error.message)
  return {
    status,
    retryAfter,
    headers: retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) },
    body: { error: { code, message } },
  }
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
 */
function withStatus(error) {
  const answer = answerTo(error)
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
