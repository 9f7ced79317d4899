'use strict'

/** A plugin for Fastify 5. */

const fastifyPlugin = require('fastify-plugin')
const { codeOf } = require('./errors.js')
const { Buffer } = require('./host.js')
const { VALUE_HEADERS, Work, answerTo, bytesOf, checkRoute } = require('./http.js')

/**
 * @import { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
 * @import { RequestTask } from './http.js'
 */

const JSON_TYPE = 'application/json; charset=utf-8'

/**
 * @param {FastifyInstance} fastify
 * @param {object} _options
 * @param {() => void} done
 */
function heavyLoad(fastify, _options, done) {
  fastify.decorate('offload', offload)
  done()
}

/**
 * A route handler whose work stops when its client goes away, and whose errors are answered.
 * @param {(this: FastifyInstance, request: any, task: RequestTask, reply: any) => unknown} handler
 * @param {any} [options]
 */
function offload(handler, options = {}) {
  checkRoute(handler, options)
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
      if (isOver(reply, work)) return leave(reply)
      addServerTiming(reply, work)
      return payload(reply, value)
    } catch (error) {
      if (work.isAbandonment(error)) return leave(reply)
      if (!isOver(reply, work)) addServerTiming(reply, work)
      return answerError(reply, error)
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
  const timing = work.serverTiming
  if (timing === undefined) return
  const before = /** @type {string | string[]} */ (reply.getHeader('Server-Timing') ?? [])
  reply.header('Server-Timing', [...[before].flat(), timing].join(', '))
}

/**
 * What Fastify's `send` is to be given.
 * @param {FastifyReply} reply
 * @param {unknown} value
 */
function payload(reply, value) {
  if (value === undefined && reply.statusCode === 200) reply.code(204)
  const bytes = bytesOf(value)
  if (bytes === undefined) return value
  // Over shared memory, Fastify would take it for an object and send it as JSON.
  return bytes.buffer instanceof ArrayBuffer ? bytes : Buffer.from(bytes)
}

/**
 * @param {FastifyReply} reply
 * @param {any} error thrown again if it is not one to be answered like this, or cannot be
 */
function answerError(reply, error) {
  const answer = answerTo(error)
  if (answer === undefined || reply.sent || reply.raw.headersSent || reply.raw.destroyed) throw error
  for (const name of VALUE_HEADERS) reply.removeHeader(name)
  reply.serializer(/** @type {any} */ (null)).type(JSON_TYPE)
  reply.code(answer.status).headers(answer.headers)
  return answer.body
}

module.exports = fastifyPlugin(heavyLoad, { name: 'heavy-load', fastify: '5.x' })
module.exports.errorHandler = errorHandler
