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
/** Headers of a fetched Response that are no longer true of its body where fetch has decoded that. */
const OF_ENCODING = new Set(['content-encoding', 'content-length'])
/** What every fetch decodes. Of a body with any other coding among its codings, fetch decodes none. */
const DECODED = new Set(['br', 'deflate', 'gzip', 'x-gzip'])
/** What the fetch of newer versions decodes, too; and how a body begins that has not been decoded (RFC 8878, 3.1.1). */
const MAY_BE_DECODED = 'zstd'
const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])
/** How many values are looked at for those that have no form in JSON: of more than some, that would take long. */
const MOST_LOOKED_AT = 1000
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
 * @property {boolean} [mayBeEncoded] whether it is to be seen from the bytes if its headers are true of them
 */

/**
 * What a handler has returned, when it is there. Promises in a list are awaited: a list is what `inputs.map((input) => call(input, task))`
 * gives, and of what they reject with somebody has to know.
 * @param {any} returned
 */
async function awaited(returned) {
  const value = await returned
  return Array.isArray(value) && value.some(isThenable) ? Promise.all(value) : value
}

/** @param {any} value */
function isThenable(value) {
  return typeof value === 'object' && value !== null && typeof value.then === 'function'
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

/**
 * A Readable, a web stream, a Response or a Blob as a stream of bytes; none if the value is none of them.
 * @param {any} value
 * @param {string} who has returned it
 * @returns {Streamed | undefined}
 */
function streamOf(value, who) {
  if (typeof value !== 'object' || value === null) return undefined
  switch (tagOf(value)) {
    case '[object Response]':
      return ofResponse(value, who)
    case '[object Blob]':
    case '[object File]':
      return { stream: ofWeb(value.stream(), who), type: value.type || undefined, length: value.size }
    case '[object ReadableStream]':
      return { stream: ofWeb(value, who) }
    default:
      return isReadable(value) ? { stream: ofBytes(value, who) } : undefined
  }
}

/**
 * @param {Response} response
 * @param {string} who
 * @returns {Streamed}
 */
function ofResponse(response, who) {
  const { status, body, bodyUsed, url } = response
  if (bodyUsed) throw new TypeError(`${who} returned a Response whose body has been read`)
  const stream = body === null ? undefined : ofWeb(body, who)
  try {
    if (status < 200) throw new TypeError(`${who} returned a Response with status ${status}`)
    const codings = url === '' ? [] : codingsOf(response)
    const isDecoded = codings.length > 0 && codings.every((coding) => DECODED.has(coding))
    const headers = [...response.headers].filter(
      ([name]) => !OF_CONNECTION.has(name) && !(isDecoded && OF_ENCODING.has(name)),
    )
    // All, before any is set: none of them is to be found on the answer to the error.
    for (const [name, value] of headers) {
      validateHeaderName(name)
      validateHeaderValue(name, value)
    }
    return { stream, status, headers, mayBeEncoded: codings.length === 1 && codings[0] === MAY_BE_DECODED }
  } catch (error) {
    stream?.destroy()
    throw error
  }
}

/** @param {Response} response */
function codingsOf(response) {
  const list = response.headers.get('content-encoding') ?? ''
  return list
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '')
}

/**
 * The headers that are true of a body which has begun.
 * @param {Streamed} streamed
 * @returns {[string, string][]}
 */
function headersOf({ stream, headers = [], mayBeEncoded }) {
  if (!mayBeEncoded || stream === undefined || isEncoded(stream)) return headers
  return headers.filter(([name]) => !OF_ENCODING.has(name))
}

/** @param {Readable} stream of bytes */
function isEncoded(stream) {
  const first = stream.read()
  if (first === null) return true
  stream.unshift(first)
  const start = first.subarray(0, ZSTD_MAGIC.length)
  return ZSTD_MAGIC.subarray(0, start.length).equals(start)
}

/**
 * `Readable.fromWeb` takes null for the end, and no ArrayBuffers.
 * @param {ReadableStream} source
 * @param {string} who
 * @returns {Readable}
 */
function ofWeb(source, who) {
  const reader = source.getReader()
  return new Readable({
    read() {
      reader.read().then(
        ({ done, value }) => {
          try {
            this.push(done ? null : chunkOf(value, who))
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
 * @param {string} who
 * @returns {Readable}
 */
function ofBytes(source, who) {
  const stream = source instanceof Readable ? source : ofOther(source)
  // Whoever ends it may get an error of its end, which would end the process if nobody listened.
  stream.on('error', () => {})
  if (!stream.readableObjectMode) return stream
  const checked = Readable.from(chunksOf(stream, who))
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

/**
 * @param {Readable} stream
 * @param {string} who
 */
async function* chunksOf(stream, who) {
  for await (const chunk of stream) yield chunkOf(chunk, who)
}

/**
 * @param {unknown} chunk
 * @param {string} who
 */
function chunkOf(chunk, who) {
  const part = typeof chunk === 'string' ? chunk : bytesOf(chunk)
  if (part === undefined) {
    throw new TypeError(`${who} returned a stream of what is neither text nor bytes: ${tagOf(chunk)}`)
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
 * @param {string} who
 * @returns {Readable | undefined}
 */
function ofLength(stream, declared, who) {
  if (declared === undefined) return stream
  const length = Number(declared)
  if (!Number.isInteger(length) || length < 0) {
    throw new TypeError(`${who} gave a Content-Length that is no length: ${declared}`)
  }
  if (stream === undefined) {
    if (length > 0) throw wrongLength('shorter', length, who)
    return undefined
  }
  const counted = Readable.from(countedChunksOf(stream, length, who), { objectMode: false })
  // It may be over before it has begun, and then a generator does not clean up.
  counted.once('close', () => stream.destroy())
  return counted
}

/**
 * @param {Readable} stream
 * @param {number} length bytes
 * @param {string} who
 */
async function* countedChunksOf(stream, length, who) {
  let left = length
  for await (const chunk of stream) {
    left -= Buffer.byteLength(chunk)
    if (left < 0) throw wrongLength('longer', length, who)
    yield chunk
  }
  if (left > 0) throw wrongLength('shorter', length, who)
}

/**
 * @param {string} is
 * @param {number} length
 * @param {string} who
 */
function wrongLength(is, length, who) {
  return new TypeError(`${who} returned a body that is ${is} than its Content-Length, ${length}`)
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
    streamOf(value, 'A handler')
      ?.stream?.on('error', () => {})
      .destroy()
  } catch {
    // A Response that has been read, or a stream that is locked: it is somebody else's.
  }
}

/**
 * Throws if a value has no form in JSON: what would be sent is `{}`, or the insides of something.
 * @param {any} value
 * @param {string} who
 * @param {boolean} [isShallow] whether the app itself may give what it holds a form
 */
function checkJson(value, who, isShallow = false) {
  if (typeof value !== 'object' || value === null) return
  if (!hasJson(value)) throw noJson(value, who)
  if (!isShallow) checkMembers(value, who)
}

/**
 * The same of what a value holds, at whatever depth, as far as that is found at once: nothing would be left of it.
 * @param {any} root
 * @param {string} who
 */
function checkMembers(root, who) {
  const found = [{ value: root, path: '' }]
  let left = MOST_LOOKED_AT
  for (const { value, path } of found) {
    if (typeof value.toJSON === 'function') continue
    const isList = Array.isArray(value)
    const keys = isList ? undefined : Object.keys(value)
    const length = Math.min(keys?.length ?? value.length, left)
    left -= length
    for (let index = 0; index < length; index++) {
      const key = keys === undefined ? index : keys[index]
      const member = value[key]
      if (typeof member !== 'object' || member === null) continue
      const where = isList ? `${path}[${key}]` : `${path}.${key}`
      if (isLost(member)) throw noJson(member, who, where)
      found.push({ value: member, path: where })
    }
    if (left === 0) return
  }
}

/** @param {any} member */
function isLost(member) {
  if (hasJson(member) || ArrayBuffer.isView(member)) return false
  // It rejects for nobody, as it is not sent.
  if (isThenable(member)) member.then(undefined, () => {})
  return isError(member) || typeof member.emit === 'function' || Object.keys(member).length === 0
}

/** @param {any} value */
function isError(value) {
  return types.isNativeError(value) || value instanceof Error
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

/**
 * @param {any} value
 * @param {string} who
 * @param {string} [where] in what was returned
 */
function noJson(value, who, where = '') {
  const name =
    typeof value === 'object' ? `an object (${value?.constructor?.name ?? tagOf(value)})` : `a ${typeof value}`
  const place = where === '' ? '' : ` at ${where.replace(/^\./, '')}`
  return new TypeError(`${who} returned ${name}${place}, for which JSON has no place`)
}

module.exports = {
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
}
