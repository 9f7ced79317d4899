'use strict'

/**
 * What inputs are pulled from: an iterable or an async iterable, by its iterator; a stream of Node's or of the web, which are async
 * iterables too, so that it is let go at once when nobody wants it any more. Their own iterators would not do: as of every async generator,
 * their `return()` waits for a `next()` that is under way, and that for a stream that may have nothing to give for ever.
 */

const { invalidType } = require('./errors.js')

/** @typedef {{ next: () => any, close: () => any }} Puller `next` as an iterator's */

/** Inputs that have been read from. @type {WeakSet<object>} */
const touched = new WeakSet()

class Source {
  exhausted = false
  /** Whether `pull` may be called: not while an asynchronous one is under way. */
  ready = true
  #puller

  /** @param {any} inputs */
  constructor(inputs) {
    this.#puller = pullerOf(inputs)
    touched.add(Object(inputs))
  }

  /**
   * @param {(input: any) => void} accept
   * @param {(error: unknown) => void} fail
   * @param {() => void} settled called when an asynchronous pull has ended
   */
  pull(accept, fail, settled) {
    /** @param {any} step */
    const take = ({ done, value }) => {
      if (done) this.#end()
      else accept(value)
    }
    /** @param {unknown} error */
    const broken = (error) => {
      // An iterator that threw is over; it is not closed.
      this.#end()
      fail(error)
    }
    try {
      const step = this.#puller.next()
      if (typeof step?.then !== 'function') {
        take(step)
        return
      }
      this.ready = false
      // Whatever else has a `then`.
      Promise.resolve(step)
        .then((/** @type {any} */ result) => {
          if (this.exhausted) return
          this.ready = true
          take(result)
        })
        .then(settled, broken)
    } catch (error) {
      broken(error)
    }
  }

  /**
   * Nothing more is wanted. A source that is just being asked is closed, but not waited for: it may have nothing to give for ever.
   * @returns {Promise<void>} rejects if it could not be closed, and was not being asked
   */
  async close() {
    if (this.exhausted) return
    const { ready } = this
    this.#end()
    const closed = this.#puller.close()
    if (ready) await closed
    else Promise.resolve(closed).catch(() => {})
  }

  #end() {
    this.exhausted = true
    this.ready = false
  }
}

/**
 * @param {any} inputs
 * @returns {Puller}
 */
function pullerOf(inputs) {
  if (isWebStream(inputs)) {
    const reader = inputs.getReader()
    return { next: () => reader.read(), close: () => reader.cancel() }
  }
  if (isNodeStream(inputs)) return isRequest(inputs) ? ofRequest(inputs) : ofNodeStream(inputs)
  const method = inputs?.[Symbol.asyncIterator] ?? inputs?.[Symbol.iterator]
  if (typeof method !== 'function') throw invalidType('inputs', 'an iterable or an async iterable', inputs)
  const iterator = method.call(inputs)
  return { next: () => iterator.next(), close: () => iterator.return?.() }
}

/**
 * @param {any} stream
 * @returns {Puller}
 */
function ofNodeStream(stream) {
  const iterator = stream[Symbol.asyncIterator]()
  return {
    next: () => iterator.next(),
    close() {
      // Its iterator listens only from the first pull on, and an error that nobody hears ends the process.
      stream.on?.('error', () => {})
      stream.destroy()
      return iterator.return()
    },
  }
}

/**
 * A request that a server has not answered: to destroy it would take the answer's connection with it. What still comes is dropped, as
 * Node's server does with a body that nobody reads.
 * @param {any} request
 * @returns {Puller}
 */
function ofRequest(request) {
  const iterator = request.iterator({ destroyOnReturn: false })
  return {
    next: () => iterator.next(),
    close: () => iterator.return().finally(() => request.resume()),
  }
}

/** @param {any} input */
function isWebStream(input) {
  return typeof input?.getReader === 'function'
}

/** @param {any} input */
function isNodeStream(input) {
  return (
    typeof input?.[Symbol.asyncIterator] === 'function' &&
    typeof input.destroy === 'function' &&
    typeof input.pipe === 'function'
  )
}

/** @param {any} stream */
function isRequest(stream) {
  // A response, as clients get it, has no method.
  return typeof stream.httpVersion === 'string' && typeof stream.method === 'string' && stream.iterator !== undefined
}

/**
 * Whether it can give its input piece by piece, at its own pace.
 * @param {any} input
 */
function isStream(input) {
  return isWebStream(input) || typeof input?.[Symbol.asyncIterator] === 'function'
}

/**
 * Whether something may be missing of what it gives. An iterable that is none itself gives another iterator each time.
 * @param {any} input
 */
function isTouched(input) {
  try {
    if (isNodeStream(input)) return touched.has(input) || input.readableDidRead === true || input.readableEnded === true
    if (isWebStream(input)) return input.locked === true || require('node:stream').Readable.isDisturbed(input)
    return touched.has(input) && typeof input.next === 'function'
  } catch {
    // It does not let itself be looked at.
    return true
  }
}

module.exports = { Source, isStream, isTouched }
