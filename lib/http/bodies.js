'use strict'

/** What a handler's value is as a body: bytes, a stream of them, or something that has a form in JSON. */

const { validateHeaderName, validateHeaderValue } = require('node:http')
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
/** Answers that have no body, whatever the method (RFC 9110, 15.3.5 and 15.4.5). */
const NO_BODY = new Set([204, 304])
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
      return { stream: ofWeb(value.stream()), type: value.type || undefined, length: value.size }
    case '[object ReadableStream]':
      return { stream: ofWeb(value) }
    default:
      return isReadable(value) ? { stream: ofBytes(value) } : undefined
  }
}

/** @param {Response} response */
function ofResponse(response) {
  const { status, body, bodyUsed, url } = response
  if (bodyUsed) throw new TypeError('A handler returned a Response whose body has been read')
  const stream = body === null ? undefined : ofWeb(body)
  try {
    if (status < 200) throw new TypeError(`A handler returned a Response with status ${status}`)
    const isDecoded = url !== '' && response.headers.has('content-encoding')
    const headers = [...response.headers].filter(
      ([name]) => !OF_CONNECTION.has(name) && !(isDecoded && OF_ENCODING.has(name)),
    )
    // All, before any is set: none of them is to be found on the answer to the error.
    for (const [name, value] of headers) {
      validateHeaderName(name)
      validateHeaderValue(name, value)
    }
    return { stream, status, headers }
  } catch (error) {
    stream?.destroy()
    throw error
  }
}

/**
 * `Readable.fromWeb` takes null for the end, and no ArrayBuffers.
 * @param {ReadableStream} source
 * @returns {Readable}
 */
function ofWeb(source) {
  const reader = source.getReader()
  return new Readable({
    read() {
      reader.read().then(
        ({ done, value }) => {
          try {
            this.push(done ? null : chunkOf(value))
          } catch (error) {
            this.destroy(/** @type {Error} */ (error))
          }
        },
        (error) => this.destroy(error),
      )
    },
    destroy(error, done) {
      // It may take its time, or fail.
      reader.cancel(error).catch(() => {})
      done(error)
    },
  })
}

/**
 * Node's own, or one of a package's: those are event emitters, and not only look like a stream.
 * @param {any} value
 */
function isReadable(value) {
  if (value instanceof Readable) return true
  return ['pipe', 'on', 'emit'].every((name) => typeof value[name] === 'function') && value.readable === true
}

/**
 * Whoever pipes a stream of objects into a response has the process end by the exception of `write`; this one fails instead.
 * @param {any} source
 * @returns {Readable}
 */
function ofBytes(source) {
  const stream = source instanceof Readable ? source : ofOther(source)
  // Whoever ends it may get an error of its end, which would end the process if nobody listened.
  stream.on('error', () => {})
  if (!stream.readableObjectMode) return stream
  const checked = Readable.from(chunksOf(stream))
  // It may be over before it has begun, and then a generator does not clean up.
  checked.once('close', () => stream.destroy())
  return checked
}

/**
 * A stream that is not of Node's own class. `wrap` lets it go on when nobody reads any more.
 * @param {any} source
 * @returns {Readable}
 */
function ofOther(source) {
  const stream = new Readable({
    destroy(error, done) {
      if (!this.readableEnded) (source.destroy ?? source.close ?? source.abort)?.call(source)
      done(error)
    },
  })
  return stream.wrap(source)
}

/** @param {Readable} stream */
async function* chunksOf(stream) {
  for await (const chunk of stream) yield chunkOf(chunk)
}

/** @param {unknown} chunk */
function chunkOf(chunk) {
  const part = typeof chunk === 'string' ? chunk : bytesOf(chunk)
  if (part === undefined) {
    throw new TypeError(`A handler returned a stream of what is neither text nor bytes: ${tagOf(chunk)}`)
  }
  return part
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
 * A body that fails unless it is as long as its answer says. Of one that is shorter the client would wait for the rest, and what is left of a
 * longer one it would take for its next answer; so it sees that this one is cut off.
 * @param {Readable | undefined} stream none if there is no body
 * @param {unknown} declared the answer's Content-Length, if it has one
 * @returns {Readable | undefined}
 */
function ofLength(stream, declared) {
  if (declared === undefined) return stream
  const length = Number(declared)
  if (!Number.isInteger(length) || length < 0) {
    throw new TypeError(`A handler gave a Content-Length that is no length: ${declared}`)
  }
  if (stream === undefined) {
    if (length > 0) throw wrongLength('shorter', length)
    return undefined
  }
  const counted = Readable.from(countedChunksOf(stream, length), { objectMode: false })
  // It may be over before it has begun, and then a generator does not clean up.
  counted.once('close', () => stream.destroy())
  return counted
}

/**
 * @param {Readable} stream
 * @param {number} length bytes
 */
async function* countedChunksOf(stream, length) {
  let left = length
  for await (const chunk of stream) {
    left -= Buffer.byteLength(chunk)
    if (left < 0) throw wrongLength('longer', length)
    yield chunk
  }
  if (left > 0) throw wrongLength('shorter', length)
}

/**
 * @param {string} is
 * @param {number} length
 */
function wrongLength(is, length) {
  return new TypeError(`A handler returned a body that is ${is} than its Content-Length, ${length}`)
}

/** @param {{ statusCode: number }} response */
function hasNoBody({ statusCode }) {
  return NO_BODY.has(statusCode)
}

/**
 * A value that is not sent: if it is a stream, what it holds is given back.
 * @param {unknown} value
 * @param {boolean} isUnwanted by anybody; else somebody answers, perhaps with this, and then reads it
 */
function discard(value, isUnwanted) {
  try {
    if (!isUnwanted && /** @type {any} */ (value)?.readableFlowing != null) return
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

module.exports = { begun, bytesOf, checkJson, discard, hasNoBody, noJson, ofLength, streamOf }
