'use strict'

/**
 * The messages between callers and workers.
 *
 * A job's data is JSON. What JSON does not know stands in it as an object with a tag, `$`: numbers that are not finite,
 * undefined, bigints, and bytes, of which only kind and length are there; the bytes themselves, the *parts*, travel beside it
 * (payloads.js). The keys in Redis are BullMQ's, and ours below them.
 */

const { types } = require('node:util')
const { TYPED_ARRAYS: VIEWS, FrozenBuffer, classOf } = require('../buffers.js')
const { brand, extend, factsOf, faultOf, makeError, ofAnotherCopy } = require('../errors.js')
const { Buffer } = require('../host.js')
const { isStream } = require('../source.js')
const { remoteError } = require('./connection.js')

/** Of what is written here. A worker leaves jobs of another version to others. */
const VERSION = 1
/** Deeper than any kernel's input; circles are infinitely deep. */
const MOST_NESTING = 32

/**
 * @typedef {{ prefix: string, queue: string }} Names
 * @typedef {(Uint8Array | import('./input.js').Frozen)[]} Parts
 *
 * A job's data. `caller`: who waits for it. `sizes`: its parts' lengths in bytes. `deadline`: in milliseconds of Redis's clock. `begun`: that
 * the caller wants a message when a worker has it. Callers and workers may be of different versions of this package: what is new here is
 * optional, or VERSION changes.
 * @typedef {{
 *   version: number, caller: string, input: unknown, options: unknown, sizes?: number[], deadline?: number,
 *   priority: string, key?: string, weight: number, maxThreads: number, progress?: true, begun?: true,
 * }} Message
 *
 * What a worker answers. `run`: milliseconds from the first instruction to the end.
 * @typedef {{ value: unknown, sizes: number[], run: number }} Result
 * `begun`: false if it was given back.
 * @typedef {Result | { error: WireError } | { progress: number } | { begun: boolean }} Reply
 * @typedef {{ code?: string, name: string, message: string, retryAfter?: number, fault?: string }} WireError
 */

/** @param {Names} names */
function keysOf({ prefix, queue }) {
  const base = `${prefix}:${queue}:heavy-load`
  return {
    /** A hash: the parts of a job's input. */
    input: (/** @type {string} */ id) => `${base}:input:${id}`,
    /** A hash: the parts of its result. */
    result: (/** @type {string} */ id) => `${base}:result:${id}`,
    /** A stream: the replies to a caller. */
    replies: (/** @type {string} */ caller) => `${base}:replies:${caller}`,
    /** A channel: ids of jobs that are to stop. */
    stop: `${base}:stop`,
    /** A hash of the queue's, and of no job: what each worker reports of itself, by its id. */
    workers: `${base}-workers`,
    /** Of BullMQ's own: the jobs that wait, by priority, and those that workers have. */
    waiting: `${prefix}:${queue}:wait`,
    prioritized: `${prefix}:${queue}:prioritized`,
    active: `${prefix}:${queue}:active`,
  }
}

/** @type {Record<string, (bytes: ArrayBuffer) => any>} */
const BUFFERS = {
  Buffer: (bytes) => Buffer.from(bytes),
  ArrayBuffer: (bytes) => bytes,
  DataView: (bytes) => new DataView(bytes),
  ...Object.fromEntries(Object.entries(VIEWS).map(([name, View]) => [name, (bytes) => new View(bytes)])),
}

/**
 * @param {any} value
 * @returns {string | undefined} what a buffer is rebuilt as; none for what is no buffer
 */
function kindOf(value) {
  if (value instanceof FrozenBuffer) return 'Uint8Array'
  if (types.isAnyArrayBuffer(value)) return 'ArrayBuffer'
  if (types.isDataView(value)) return 'DataView'
  if (!types.isTypedArray(value)) return undefined
  const kind = Buffer.isBuffer(value) ? 'Buffer' : classOf(value)
  if (!Object.hasOwn(BUFFERS, kind)) throw unsendable(`an instance of ${kind}`)
  return kind
}

/**
 * Makes JSON of a value, and adds the bytes of its buffers to `parts`.
 * @param {any} value
 * @param {Parts} parts
 * @param {(buffer: any) => Uint8Array} bytesOf what of a buffer is to travel
 * @param {number} [depth]
 * @returns {any}
 */
function pack(value, parts, bytesOf, depth = 0) {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? value : { $: 'number', text: numberText(value) }
    case 'bigint':
      return { $: 'bigint', text: String(value) }
    case 'undefined':
      return { $: 'undefined' }
    case 'object':
      break
    default:
      throw unsendable(`a ${typeof value}`)
  }
  if (value === null) return null
  // A client's JSON may be that deep. All else that cannot be sent is nothing that a client could give.
  if (depth > MOST_NESTING) throw brand(unsendable(`an object deeper than ${MOST_NESTING} levels`), 'input')
  const kind = kindOf(value)
  if (kind !== undefined) {
    const bytes = bytesOf(value)
    return { $: kind, part: parts.push(bytes) - 1 }
  }
  if (Array.isArray(value)) return Array.from(value, (item) => pack(item, parts, bytesOf, depth + 1))
  if (isStream(value)) throw unsendable('a stream: read it to its end before')
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw unsendable(`an instance of ${value.constructor?.name ?? 'a class'}${ofAnotherCopy(value)}`)
  }
  // As resources of kernels are: what they hold lives in one process.
  if (Object.hasOwn(value, Symbol.toStringTag)) throw unsendable(`a ${String(value[Symbol.toStringTag])}`)
  const entries = Object.entries(value).map(([name, item]) => [name, pack(item, parts, bytesOf, depth + 1)])
  // An object that has a tag of its own would be taken for one of ours.
  return Object.hasOwn(value, '$') ? { $: 'object', entries } : Object.fromEntries(entries)
}

/**
 * The value that `pack` has made JSON of.
 * @param {any} json
 * @param {ArrayBuffer[]} parts
 * @returns {any}
 */
function unpack(json, parts) {
  if (typeof json !== 'object' || json === null) return json
  if (Array.isArray(json)) return json.map((item) => unpack(item, parts))
  switch (json.$) {
    case undefined:
      return unpackEntries(Object.entries(json), parts)
    case 'object':
      return unpackEntries(json.entries, parts)
    case 'number':
      return Number(json.text)
    case 'bigint':
      return BigInt(json.text)
    case 'undefined':
      return undefined
    default:
      return unpackBuffer(json, parts)
  }
}

/**
 * @param {{ $: unknown, part: unknown }} json
 * @param {ArrayBuffer[]} parts
 */
function unpackBuffer({ $: kind, part }, parts) {
  if (typeof kind !== 'string' || !Object.hasOwn(BUFFERS, kind) || !Object.hasOwn(parts, /** @type {any} */ (part))) {
    throw remoteError('A message that makes no sense: it names bytes that are not there')
  }
  return BUFFERS[kind](parts[/** @type {number} */ (part)])
}

/**
 * @param {[string, any][]} entries
 * @param {ArrayBuffer[]} parts
 */
function unpackEntries(entries, parts) {
  return Object.fromEntries(entries.map(([name, item]) => [name, unpack(item, parts)]))
}

/** @param {number} number */
function numberText(number) {
  return Object.is(number, -0) ? '-0' : String(number)
}

/** @param {string} what */
function unsendable(what) {
  return makeError('ERR_INVALID_ARG_TYPE', `Input and options must be data that can be sent. Received ${what}`)
}

/**
 * @param {any} error
 * @returns {WireError}
 */
function packError(error) {
  const { code, name = 'Error', message = String(error), retryAfter } = error ?? {}
  return { code, name, message, retryAfter, fault: faultOf(error) }
}

/**
 * The error as the kernel's own function would give it, by code and class; what belongs to the way there is ERR_REMOTE. What it is made of
 * comes from Redis, and may be anything.
 * @param {any} failure
 */
function unpackError({ code, name, message, retryAfter, fault }) {
  const text = String(message)
  if (code === 'ERR_REMOTE') return remoteError(text)
  if (factsOf(code) === undefined) {
    const cause = extend(new Error(text), { name: String(name), ...(typeof code === 'string' && { code }) })
    return remoteError(`A worker failed: ${text}`, cause)
  }
  const error = makeError(/** @type {import('../errors.js').Code} */ (code), text)
  brand(error, fault === 'input' ? 'input' : 'call')
  return Number.isFinite(retryAfter) && retryAfter >= 0 ? extend(error, { retryAfter }) : error
}

module.exports = { VERSION, keysOf, pack, packError, unpack, unpackError }
