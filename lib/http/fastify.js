'use strict'

/** A plugin for Fastify 5. */

const { STATUS_CODES, validateHeaderName, validateHeaderValue } = require('node:http')
const { Readable } = require('node:stream')
const fastifyPlugin = require('fastify-plugin')
const { codeOf } = require('../errors.js')
const { Buffer } = require('../host.js')
const { RequestScope, checkRoute, handlerOf } = require('./request.js')
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
  valueOf,
} = require('./bodies.js')
const { closeOnSignals } = require('./ending.js')

/**
 * @import { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
 * @import { RequestTask } from './request.js'
 */

const BYTES_TYPE = 'application/octet-stream'
const JSON_TYPE = 'application/json; charset=utf-8'
/** Of the parameters of handlers, which one is the reply: who takes it may answer by it. */
const REPLY_PARAMETER = 3

/**
 * What was last given to the `send` of a reply, and what was thrown that is to be answered with it.
 * @type {WeakMap<FastifyReply, { sent?: unknown, thrown?: { error: unknown } }>}
 */
const watched = new WeakMap()

/**
 * @param {FastifyInstance} fastify
 * @param {object} _options
 * @param {() => void} done
 */
function heavyLoad(fastify, _options, done) {
  fastify.decorate('offload', offload)
  fastify.addHook('onSend', check)
  done()
}

/**
 * A route handler whose work stops when its client goes away, and whose errors are answered.
 * @param {(this: FastifyInstance, request: any, task: RequestTask, reply: any) => unknown} handler
 * @param {any} [options]
 */
function offload(handler, options = {}) {
  checkRoute(handler, options)
  const { errors, onError } = options
  const mayAnswer = handler.length >= REPLY_PARAMETER
  /**
   * What it returns, Fastify sends; what it throws, Fastify handles.
   * @this {FastifyInstance}
   * @param {FastifyRequest} request
   * @param {FastifyReply} reply
   */
  return async function offloaded(request, reply) {
    const scope = new RequestScope(reply.raw)
    watch(reply)
    try {
      const returned = handler.call(this, request, scope.task(options, request), reply)
      scope.readOn()
      const value = await valueOf(returned)
      if (isOver(reply, scope)) {
        if (value !== reply) discard(value, scope.signal.aborted)
        return leave(reply)
      }
      // It answers itself, later.
      if (value === undefined && mayAnswer) return reply
      // As Fastify has it.
      if (isError(value)) throw value
      const sent = await payload(reply, value, scope)
      if (isOver(reply, scope)) {
        discard(sent, true)
        return leave(reply)
      }
      addServerTiming(reply, scope)
      return sent
    } catch (error) {
      if (scope.isAbandonment(error)) return leave(reply)
      if (!isOver(reply, scope)) addServerTiming(reply, scope)
      if (onError === undefined && errors !== 'next') return answerError(reply, error)
      if (onError === undefined) return handOn(reply, withStatus(error))
      try {
        const answer = await onError.call(this, withStatus(error), request, reply)
        return answer === undefined ? reply : answer
      } catch (another) {
        return handOn(reply, another)
      }
    }
  }
}

/**
 * For `setErrorHandler`: answers heavy-load's errors and throws all others, for the error handler outside or Fastify's own.
 * Async, for Fastify takes what a plain error handler throws for an answer if it is not an Error.
 * @param {any} error
 * @param {unknown} _request
 * @param {FastifyReply} reply
 */
async function errorHandler(error, _request, reply) {
  // The client has gone, and so the work was stopped: there is nobody to answer.
  if (codeOf(error) === 'ABORT_ERR' && reply.raw.destroyed) return leave(reply)
  return answerError(reply, error)
}

/**
 * Whether nobody is there to be answered, or somebody else has begun to or said that he would.
 * @param {FastifyReply} reply
 * @param {RequestScope} scope
 */
function isOver(reply, scope) {
  return scope.isOver || reply.sent
}

/**
 * Sends nothing. Fastify would send even `undefined`, unless it sees that there is an answer.
 * @param {FastifyReply} reply
 */
function leave(reply) {
  if (!reply.raw.headersSent) reply.hijack()
}

/**
 * @param {FastifyReply} reply
 * @param {RequestScope} scope
 */
function addServerTiming(reply, scope) {
  const timing = scope.takeServerTiming()
  if (timing === undefined) return
  const before = /** @type {string | string[]} */ (reply.getHeader('Server-Timing') ?? [])
  reply.header('Server-Timing', [...[before].flat(), timing].join(', '))
}

/**
 * What Fastify's `send` is to be given.
 * @param {FastifyReply} reply
 * @param {any} value
 * @param {RequestScope} scope
 */
async function payload(reply, value, scope) {
  if (value === undefined) {
    if (reply.statusCode === 200) reply.code(204)
    reply.removeHeader('Content-Length')
  }
  const streamed = streamOf(value, scope.handler)
  if (streamed !== undefined) return streamPayload(reply, streamed, scope)
  const bytes = bytesOf(value)
  if (bytes === undefined) return jsonPayload(reply, value, scope.handler)
  // Over shared memory, Fastify would take it for an object and send it as JSON.
  return bytes.buffer instanceof ArrayBuffer ? bytes : Buffer.from(bytes)
}

/**
 * Once there is something to send: what fails before is answered as any error.
 * @param {FastifyReply} reply
 * @param {import('./bodies.js').Streamed} streamed
 * @param {RequestScope} scope
 */
async function streamPayload(reply, streamed, scope) {
  const { stream, type = BYTES_TYPE, length, status } = streamed
  if (stream !== undefined) {
    await begun(stream, scope.signal)
    // With HTTP/2, Fastify does not always notice that the client has gone.
    const abort = () => stream.destroy()
    scope.signal.addEventListener('abort', abort)
    stream.once('close', () => scope.signal.removeEventListener('abort', abort))
  }
  if (status !== undefined) reply.code(status)
  for (const [name, value] of headersOf(streamed)) reply.header(name, value)
  if (stream !== undefined && !reply.hasHeader('Content-Type')) reply.type(type)
  if (length !== undefined) reply.header('Content-Length', length)
  if (reply.request.method !== 'HEAD' && !hasNoBody(reply))
    return ofLength(stream, reply.getHeader('Content-Length'), scope.handler)
  // Of a 304, it is that of what the client has.
  if (reply.statusCode === 204) reply.removeHeader('Content-Length')
  if (stream === undefined) return undefined
  // Fastify would read to its end what nobody gets. With an empty one, it leaves the headers as they are.
  stream.destroy()
  return Readable.from([])
}

/**
 * @param {FastifyReply} reply
 * @param {any} value
 * @param {string} who
 */
function jsonPayload(reply, value, who) {
  try {
    checkJson(value, who)
  } catch (error) {
    // A serializer of the app's own may know what to make of it.
    if (reply.serialize(value) === JSON.stringify(value)) throw error
  }
  // By these, Fastify would take it for a stream, and wait for its end.
  if (typeof value?.pipe !== 'function' && typeof value?.getReader !== 'function') return value
  const json = reply.serialize(value)
  if (json === undefined) throw noJson(value, who)
  if (!reply.hasHeader('Content-Type')) reply.type(JSON_TYPE)
  return json
}

/**
 * @param {FastifyReply} reply
 * @param {any} error thrown again if it is not one to be answered like this, or cannot be
 */
function answerError(reply, error) {
  const answer = answerTo(error)
  if (answer === undefined || reply.sent || reply.raw.headersSent || reply.raw.destroyed) return handOn(reply, error)
  for (const name of VALUE_HEADERS) reply.removeHeader(name)
  reply.serializer(/** @type {any} */ (null)).type(JSON_TYPE)
  reply.code(answer.status).headers(answer.headers)
  return answer.body
}

/**
 * Leaves an error to the app's error handler, or to Fastify's own.
 * @param {FastifyReply} reply
 * @param {any} error
 * @returns {never}
 */
function handOn(reply, error) {
  watch(reply).thrown = { error }
  throw error
}

/**
 * Has it known what is given to `send`. All that is answered goes through it, whether a handler, a hook or Fastify has it sent.
 * @param {FastifyReply} reply
 */
function watch(reply) {
  const seen = watched.get(reply)
  if (seen !== undefined) return seen
  /** @type {{ sent?: unknown, thrown?: { error: unknown } }} */
  const now = {}
  watched.set(reply, now)
  const { send } = reply
  reply.send = (payload) => {
    now.sent = payload
    return send.call(reply, payload)
  }
  return now
}

/**
 * Fastify's own answer to an error has its message, of which nobody knows what it says of the machine: not in production.
 * @param {unknown} _request
 * @param {FastifyReply} reply
 * @param {unknown} payload
 * @param {(error: Error | null, payload?: unknown) => void} done
 */
function check(_request, reply, payload, done) {
  const seen = watched.get(reply)
  if (seen === undefined) {
    done(null, payload)
    return
  }
  // An error handler of the app's sends something else, or has Fastify answer.
  const isError = seen.sent instanceof Error || (seen.thrown !== undefined && seen.sent === seen.thrown.error)
  // JSON has no place for a function, and Fastify would answer with nothing.
  const lacking = payload === undefined && seen.sent !== undefined ? noJson(seen.sent, handlerOf(reply.request)) : undefined
  const mistake = takeRefused(reply) ?? lacking
  const { statusCode } = reply
  if (mistake !== undefined && !isError) {
    done(mistake)
  } else if (isError && isProduction() && !(statusCode < 500 && statusOf(seen.sent) === statusCode)) {
    reply.removeHeader('Content-Length').type(JSON_TYPE)
    const message = STATUS_CODES[statusCode]
    done(null, JSON.stringify({ statusCode, error: message, message }))
  } else {
    done(null, payload)
  }
}

/**
 * The status that an error has by itself: whoever gave it a client's has made it for clients.
 * @param {any} error
 */
function statusOf(error) {
  try {
    return error?.statusCode ?? error?.status
  } catch {
    return undefined
  }
}

/**
 * Removes the headers that Node refuses: Fastify would answer with the message of that, past all hooks and error handlers.
 * @param {FastifyReply} reply
 * @returns {Error | undefined} of the last of them
 */
function takeRefused(reply) {
  let refused
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    try {
      validateHeaderName(name)
      validateHeaderValue(name, /** @type {any} */ (value))
    } catch (error) {
      refused = /** @type {Error} */ (error)
      reply.removeHeader(name)
    }
  }
  return refused
}

module.exports = fastifyPlugin(heavyLoad, { name: 'heavy-load', fastify: '5.x' })
module.exports.errorHandler = errorHandler
module.exports.closeOnSignals = closeOnSignals
