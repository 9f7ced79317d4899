'use strict'

/** A plugin for Fastify 5. */

const { STATUS_CODES, validateHeaderName, validateHeaderValue } = require('node:http')
const { Readable } = require('node:stream')
const fastifyPlugin = require('fastify-plugin')
const { codeOf, makeError } = require('../errors.js')
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
  awaited,
} = require('./bodies.js')
const { closeOnSignals } = require('./ending.js')
const { logAnswer } = require('./log.js')

/**
 * @import { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
 * @import { RequestTask } from './request.js'
 */

const BYTES_TYPE = 'application/octet-stream'
const JSON_TYPE = 'application/json; charset=utf-8'
/** Of the parameters of handlers, which one is the reply: who takes it may answer by it. */
const REPLY_PARAMETER = 3

/**
 * What was last given to the `send` of a reply; what was thrown that is to be answered with it; how the guard over its hooks ends.
 * @typedef {{ sent?: unknown, thrown?: { error: unknown }, unguard?: () => void }} Seen
 * @type {WeakMap<FastifyReply, Seen>}
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
  // A route's own hooks come after all others, and this one after them.
  fastify.addHook('onRoute', (route) => {
    route.onSend = [route.onSend ?? []].flat().concat(passHooks)
  })
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
    checkScope(request)
    const scope = new RequestScope(reply.raw)
    watch(reply)
    try {
      const returned = handler.call(this, request, scope.task(options, request), reply)
      scope.readOn()
      const value = await awaited(returned)
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
 * @param {any} error
 * @param {unknown} _request
 * @param {FastifyReply} reply
 */
function errorHandler(error, _request, reply) {
  if (reply?.raw === undefined)
    throw makeError('ERR_INVALID_ARG_VALUE', 'errorHandler is the handler itself: app.setErrorHandler(errorHandler)')
  return handleError(error, reply)
}

/**
 * Async, for Fastify takes what a plain error handler throws for an answer if it is not an Error.
 * @param {any} error
 * @param {FastifyReply} reply
 */
async function handleError(error, reply) {
  // The client has gone, and so the work was stopped: there is nobody to answer.
  if (codeOf(error) === 'ABORT_ERR' && reply.raw.destroyed) return leave(reply)
  return answerError(reply, error)
}

/**
 * Throws if the route is in a scope that the plugin, and so its hook, is not for: Fastify's own answers to errors would have their messages.
 * @param {FastifyRequest} request
 */
function checkScope(request) {
  if (typeof (/** @type {any} */ (request.server)?.offload) === 'function') return
  const where = `${request.method} ${request.routeOptions.url}`
  const message = `heavy-load/fastify is not registered in the scope of ${where}: register it there, or around it`
  throw makeError('ERR_INVALID_ARG_VALUE', message)
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
  logAnswer(error, answer, reply.raw.req, (error, message) => reply.log.error(error, message))
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
  /** @type {Seen} */
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
  const lacking =
    payload === undefined && seen.sent !== undefined ? noJson(seen.sent, handlerOf(reply.request)) : undefined
  const mistake = takeRefused(reply) ?? lacking
  if (mistake !== undefined && !isError) {
    done(mistake)
    return
  }
  if (isProduction()) guardHooks(reply, seen)
  done(null, isError && isProduction() ? discreet(reply, seen.sent, payload) : payload)
}

/**
 * If a hook of the app's fails with an answer to an error, Fastify answers with the message of that, past all hooks and error handlers: by
 * writing it while hooks are under way, as nobody else does.
 * @param {FastifyReply} reply
 * @param {Seen} seen
 */
function guardHooks(reply, seen) {
  seen.unguard?.()
  const raw = /** @type {any} */ (reply.raw)
  const restores = ['writeHead', 'end'].map((name) => {
    const own = Object.getOwnPropertyDescriptor(raw, name)
    return () => (own ? Object.defineProperty(raw, name, own) : delete raw[name])
  })
  seen.unguard = () => {
    seen.unguard = undefined
    for (const restore of restores) restore()
  }
  raw.writeHead = (/** @type {number} */ statusCode, /** @type {any} */ headers, /** @type {any} */ ...rest) => {
    seen.unguard?.()
    // A hook may have taken the answer over.
    if (reply.sent) return raw.writeHead(statusCode, headers, ...rest)
    const body = errorBody(statusCode)
    raw.end = () => {
      restores[1]()
      return raw.end(body)
    }
    return raw.writeHead(statusCode, {
      ...headers,
      'content-type': JSON_TYPE,
      'content-length': Buffer.byteLength(body),
    })
  }
}

/**
 * The last of all hooks.
 * @param {unknown} _request
 * @param {FastifyReply} reply
 * @param {unknown} payload
 * @param {(error: null, payload?: unknown) => void} done
 */
function passHooks(_request, reply, payload, done) {
  watched.get(reply)?.unguard?.()
  done(null, payload)
}

/**
 * What Fastify is to answer to an error in production: with its message only if that is for clients, because it is of ours, or because whoever
 * made it has said so as the package http-errors does.
 * @param {FastifyReply} reply
 * @param {any} error
 * @param {unknown} payload
 */
function discreet(reply, error, payload) {
  const { statusCode } = reply
  const own = answerTo(error)
  if (own === undefined && isExposed(error) && statusCode < 500) return payload
  reply.removeHeader('Content-Length').type(JSON_TYPE)
  return errorBody(statusCode, own?.status === statusCode ? own.body.error : undefined)
}

/**
 * As Fastify has it.
 * @param {number} statusCode
 * @param {{ code?: string, message?: string }} [shown]
 */
function errorBody(statusCode, { code, message = STATUS_CODES[statusCode] } = {}) {
  return JSON.stringify({ statusCode, code, error: STATUS_CODES[statusCode], message })
}

/** @param {any} error */
function isExposed(error) {
  try {
    // What http-errors makes of an error of Node's has that, too.
    return error?.expose === true && error.syscall === undefined
  } catch {
    return false
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
