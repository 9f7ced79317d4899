'use strict'

/**
 * What a function throws, on its way from its worker thread to its caller. Structured clone keeps an error's message, stack and cause; here
 * goes along what it loses: its name, which of the language's own classes it is of, its code, and other properties of its own.
 */

const { inspect } = require('node:util')
const { isNativeError } = require('node:util').types

/** The language's own classes of errors; what is of none of these is an Error. */
const CLASSES = [RangeError, TypeError, SyntaxError, ReferenceError, EvalError, URIError, AggregateError, Error]

/**
 * `kind`: which of CLASSES it is of.
 * @typedef {{ value: unknown, error?: { name: string, message: string, stack: string | undefined }, kind?: number, properties?: object }} Thrown
 */

/**
 * @param {unknown} value anything may be thrown
 * @param {(thrown: Thrown) => void} send throws what cannot be cloned
 */
function sendThrown(value, send) {
  if (!(value instanceof Error)) {
    sendFirst(send, [() => ({ value }), () => ({ value: inspect(value) })])
    return
  }
  const error = () => ({ name: String(value.name), message: String(value.message), stack: value.stack })
  const kind = CLASSES.findIndex((Class) => value instanceof Class)
  sendFirst(send, [
    () => ({ value, error: error(), kind, properties: { ...value } }),
    () => ({ value, error: error(), kind, properties: cloneable({ ...value }) }),
    // Its cause, or a getter of its own, is not to be had.
    () => ({ value: undefined, error: error(), kind }),
    () => ({ value: undefined, error: { name: 'Error', message: inspect(value), stack: undefined } }),
  ])
}

/**
 * @param {(thrown: Thrown) => void} send
 * @param {(() => Thrown)[]} ways the best first; the last always can
 */
function sendFirst(send, ways) {
  for (const way of ways) {
    try {
      send(way())
      return
    } catch {
      // The next keeps less.
    }
  }
}

/** @param {Record<string, any>} properties */
function cloneable(properties) {
  return Object.fromEntries(
    Object.entries(properties).filter(
      ([, value]) => value === null || !['object', 'function', 'symbol'].includes(typeof value),
    ),
  )
}

/**
 * The value to reject with.
 * @param {Thrown} thrown
 * @returns {any}
 */
function restoreThrown({ value, error, kind, properties }) {
  if (error === undefined) return value
  // It may be of another realm, which then knows another Error.
  const restored = isNativeError(value) ? value : new Error(error.message)
  // Structured clone goes by the name alone.
  Object.setPrototypeOf(restored, (CLASSES[kind ?? -1] ?? Error).prototype)
  for (const [name, own] of Object.entries(error)) {
    if (restored[/** @type {keyof typeof error} */ (name)] === own || own === undefined) continue
    Object.defineProperty(restored, name, { value: own, writable: true, configurable: true })
  }
  return Object.assign(restored, properties)
}

module.exports = { restoreThrown, sendThrown }
