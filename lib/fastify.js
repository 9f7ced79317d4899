'use strict'

/** A plugin for Fastify 5. */

const { STATUS_CODES } = require('node:http')
const fastifyPlugin = require('fastify-plugin')
const { codeOf } = require('./errors.js')
const { Buffer } = require('./host.js')
const { Work, checkRoute } = require('./http.js')
const { VALUE_HEADERS, answerTo, isProduction, withStatus } = require('./http/answers.js')
const { begun, bytesOf, checkJson, discard, streamOf } = require('./http/bodies.js')
const { closeOnSignals } = require('./http/ending.js')

/**
 * @import { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
 * @import { RequestTask } from './http.js'
 */

const BYTES_TYPE = 'application/octet-stream'
const JSON_TYPE = 'application/json; charset=utf-8'
/** Of the parameters of handlers, which one is the reply: who takes it may answer by it. */
const REPLY = 3

/** Errors that were left to the app, by the reply that they are to be answered with. */
const thrown = new WeakMap()

/**
 * @param {FastifyInstance} fastify
 * @param {object} _options
 * @param {() => void} done
 */
function heavyLoad(fastify, _options, done) {
  fastify.decorate('offload', offload)
  fastify.addHook('onSend', hideError)
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
  const mayAnswer = handler.length >= REPLY
  /**
   * What it returns, Fastify sends; what it throws, Fastify handles.
   * @this {FastifyInstance}
   * @param {FastifyRequest} request
   * @param {FastifyReply} reply
   */
  return async function offloaded(request, reply) {
    const work = new Work(reply.raw)
    try {
      const value = await handler.call(this, request, work.task(options, request), reply)
      if (work.signal.aborted) discard(value)
      if (isOver(reply, work)) return leave(reply)
      // It answers itself, later.
      if (value === undefined && mayAnswer) return reply
      const sent = await payload(reply, value, work)
      if (isOver(reply, work)) {
        discard(sent)
        return leave(reply)
      }
      addServerTiming(reply, work)
      return sent
    } catch (error) {
      if (work.isAbandonment(error)) return leave(reply)
      if (!isOver(reply, work)) addServerTiming(reply, work)
      if (onError === undefined && errors !== 'next') return answerError(reply, error)
      if (onError === undefined) return handOn(reply, withStatus(error))
      const answer = await onError.call(this, withStatus(error), request, reply)
      return answer === undefined ? reply : answer
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
 * @param {Work} work
 */
function isOver(reply, work) {
  return work.isOver || reply.sent
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
 * @param {Work} work
 */
function addServerTiming(reply, work) {
  const timing = work.takeServerTiming()
  if (timing === undefined) return
  const before = /** @type {string | string[]} */ (reply.getHeader('Server-Timing') ?? [])
  reply.header('Server-Timing', [...[before].flat(), timing].join(', '))
}

/**
 * What Fastify's `send` is to be given.
 * @param {FastifyReply} reply
 * @param {any} value
 * @param {Work} work
 */
async function payload(reply, value, work) {
  if (value === undefined && reply.statusCode === 200) reply.code(204)
  const streamed = streamOf(value)
  if (streamed !== undefined) return streamPayload(reply, streamed, work)
  const bytes = bytesOf(value)
  if (bytes === undefined) return jsonPayload(reply, value)
  // Over shared memory, Fastify would take it for an object and send it as JSON.
  return bytes.buffer instanceof ArrayBuffer ? bytes : Buffer.from(bytes)
}

/**
 * Once there is something to send: what fails before is answered as any error.
 * @param {FastifyReply} reply
 * @param {import('./http/bodies.js').Streamed} streamed
 * @param {Work} work
 */
async function streamPayload(reply, { stream, type = BYTES_TYPE, length, status, headers }, work) {
  if (stream !== undefined) await begun(stream, work.signal)
  if (status !== undefined) reply.code(status)
  for (const [name, value] of headers ?? []) reply.header(name, value)
  if (stream !== undefined && !reply.hasHeader('Content-Type')) reply.type(type)
  if (length !== undefined) reply.header('Content-Length', length)
  return stream
}

/**
 * @param {FastifyReply} reply
 * @param {any} value
 */
function jsonPayload(reply, value) {
  try {
    checkJson(value)
  } catch (error) {
    // A serializer of the app's own may know what to make of it.
    if (reply.serialize(value) === JSON.stringify(value)) throw error
  }
  return value
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
  thrown.set(reply, error)
  throw error
}

/**
 * Fastify's own answer to an error has its message, of which nobody knows what it says of the machine: not in production.
 * @param {unknown} _request
 * @param {FastifyReply} reply
 * @param {unknown} payload
 * @param {(error: null, payload: unknown) => void} done
 */
function hideError(_request, reply, payload, done) {
  const { statusCode } = reply
  if (thrown.has(reply) && statusCode >= 500 && isProduction() && isAnswerOf(thrown.get(reply), payload)) {
    reply.type(JSON_TYPE)
    const message = STATUS_CODES[statusCode]
    done(null, JSON.stringify({ statusCode, error: message, message }))
  } else {
    done(null, payload)
  }
}

/**
 * Whether a payload is what Fastify makes of an error, rather than an error handler of the app's.
 * @param {any} error
 * @param {unknown} payload
 */
function isAnswerOf(error, payload) {
  if (typeof payload !== 'string') return false
  if (payload === error) return true
  try {
    return JSON.parse(payload).message === error.message
  } catch {
    return false
  }
}

module.exports = fastifyPlugin(heavyLoad, { name: 'heavy-load', fastify: '5.x' })
module.exports.errorHandler = errorHandler
module.exports.closeOnSignals = closeOnSignals
