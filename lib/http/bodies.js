'use strict'

/** What a handler's value is as a body: bytes, a stream of them, or something that has a form in JSON. */

const { Readable, finished } = require('node:stream')
const { types } = require('node:util')
const { Buffer } = require('../host.js')

/** Headers of a Response that are about the connection it came by, and not about what it holds. */
const OF_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
/** Headers of a fetched Response that are no longer true of its body, which fetch has decoded. */
const OF_ENCODING = new Set(['content-encoding', 'content-length'])
/** Objects that hold a single value, and are that in JSON. */
const BOXES = new Set(['[object Boolean]', '[object Number]', '[object String]', '[object BigInt]'])

const tagOf = (/** @type {unknown} */ value) => Object.prototype.toString.call(value)

/**
 * A body that is not there at once, and what is known of it.
 * @typedef {object} Streamed
 * @property {Readable | undefined} stream none if there is no body at all
 * @property {string} [type] its Content-Type
 * @property {number} [length]
 * @property {number} [status]
 * @property {[string, string][]} [headers] lower case; `set-cookie` may come more than once
 */

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

/**
 * A Readable, a web stream, a Response or a Blob as a stream of bytes; none if the value is none of them.
 * @param {any} value
 * @returns {Streamed | undefined}
 */
function streamOf(value) {
  if (typeof value !== 'object' || value === null) return undefined
  switch (tagOf(value)) {
    case '[object Response]':
      return ofResponse(value)
    case '[object Blob]':
    case '[object File]':
      return { stream: Readable.fromWeb(value.stream()), type: value.type || undefined, length: value.size }
    case '[object ReadableStream]':
      return { stream: Readable.fromWeb(value) }
    default:
      return isReadable(value) ? { stream: ofBytes(value) } : undefined
  }
}

/** @param {Response} response */
function ofResponse(response) {
  const { status, body, bodyUsed, url } = response
  if (bodyUsed) throw new TypeError('A handler returned a Response whose body has been read')
  if (status < 200) throw new TypeError(`A handler returned a Response with status ${status}`)
  const isDecoded = url !== '' && response.headers.has('content-encoding')
  const headers = [...response.headers].filter(
    ([name]) => !OF_CONNECTION.has(name) && !(isDecoded && OF_ENCODING.has(name)),
  )
  return { stream: body === null ? undefined : Readable.fromWeb(/** @type {any} */ (body)), status, headers }
}

/**
 * Node's own, or one of a package's.
 * @param {any} value
 */
function isReadable(value) {
  return value instanceof Readable || (typeof value.pipe === 'function' && value.readable === true)
}

/**
 * Whoever pipes a stream of objects into a response has the process end by the exception of `write`; this one fails instead.
 * @param {any} source
 * @returns {Readable}
 */
function ofBytes(source) {
  const stream = source instanceof Readable ? source : new Readable().wrap(source)
  if (!stream.readableObjectMode) return stream
  const checked = Readable.from(chunksOf(stream))
  // It may be over before it has begun, and then a generator does not clean up.
  checked.once('close', () => stream.destroy())
  return checked
}

/** @param {Readable} stream */
async function* chunksOf(stream) {
  for await (const chunk of stream) {
    if (typeof chunk !== 'string' && !types.isUint8Array(chunk)) {
      throw new TypeError(`A handler returned a stream of what is neither text nor bytes: ${tagOf(chunk)}`)
    }
    yield chunk
  }
}

/**
 * Resolves once there is something to read, or nothing more to come. So what fails before is known while there still can be another answer.
 * @param {Readable} stream ends with the signal
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function begun(stream, signal) {
  return new Promise((resolve, reject) => {
    // Until it is piped, too, nobody else may listen.
    stream.on('error', () => {})
    const abort = () => stream.destroy()
    signal.addEventListener('abort', abort)
    /** @param {unknown} [error] */
    const settle = (error) => {
      stop()
      signal.removeEventListener('abort', abort)
      stream.off('readable', ready)
      if (error == null) resolve()
      else reject(error)
    }
    const ready = () => settle()
    const stop = finished(stream, { writable: false }, settle)
    stream.on('readable', ready)
  })
}

/**
 * Nobody wants the value any more: if it is a stream, what it holds is given back.
 * @param {unknown} value
 */
function discard(value) {
  try {
    streamOf(value)
      ?.stream?.on('error', () => {})
      .destroy()
  } catch {
    // A Response that has been read, or a stream that is locked: it is somebody else's.
  }
}

/**
 * Throws if a value has no form in JSON: what would be sent is `{}`, or the insides of something.
 * @param {any} value
 */
function checkJson(value) {
  if (typeof value === 'object' && value !== null && !hasJson(value)) throw noJson(value)
}

/** @param {any} value */
function hasJson(value) {
  if (typeof value.toJSON === 'function' || Array.isArray(value)) return true
  const tag = tagOf(value)
  if (BOXES.has(tag)) return true
  if (tag !== '[object Object]' || typeof value[Symbol.asyncIterator] === 'function') return false
  const prototype = Object.getPrototypeOf(value)
  // Of whatever realm.
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null
  // An instance of a class has what it holds in its own properties, or elsewhere; event emitters are no data.
  return isPlain || (typeof value.emit !== 'function' && Object.keys(value).length > 0)
}

/** @param {any} value */
function noJson(value) {
  const name =
    typeof value === 'object' ? `an object (${value?.constructor?.name ?? tagOf(value)})` : `a ${typeof value}`
  return new TypeError(`A handler returned ${name}, for which JSON has no place`)
}

module.exports = { begun, bytesOf, checkJson, discard, noJson, streamOf }
