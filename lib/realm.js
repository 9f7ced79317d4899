'use strict'

/**
 * Results in the realm of whoever uses the package. The addon makes values in the runtime's own realm, and so does structured clone. Test
 * environments (Jest's, Vitest's vmThreads) load this package and its user into a realm of their own, where such values are instances of no class
 * that is known there, and strictly equal to nothing. There they are given the prototypes of this realm, in place: memory is not copied.
 *
 * Whatever else depends on the realm is taken from the runtime by host.js.
 */

const { types } = require('node:util')
const { host } = require('./native.js')
const { TYPED_ARRAYS, bufferOf, isSharedArrayBuffer, isTypedArray } = require('./views.js')

const { getPrototypeOf, keys, setPrototypeOf } = Object
const { isMap, isSet } = types

const OURS = { Object, Array, ArrayBuffer, DataView, Date, Map, RegExp, Set, ...TYPED_ARRAYS }
/** The prototypes of this realm, by those of the runtime's. @type {Map<unknown, object>} */
const ownOf = new Map()

/** The runtime's own. @type {Record<string, any>} */
const runtime = host()
/** Whether what the addon makes is of another realm than this module. */
const isForeign = runtime.Object !== Object
if (isForeign) {
  for (const [name, Class] of Object.entries(OURS)) ownOf.set(runtime[name]?.prototype, Class.prototype)
}

/**
 * A new value of the addon's, or of structured clone's, as one of this realm.
 * @type {<T>(value: T) => T}
 */
const adopt = isForeign ? (value) => adoptAll(value, new Set()) : (value) => value

/**
 * @param {any} value
 * @param {Set<unknown>} seen
 */
function adoptAll(value, seen) {
  if (typeof value !== 'object' || value === null || seen.has(value)) return value
  seen.add(value)
  const own = ownOf.get(getPrototypeOf(value))
  // Of another class, such as Buffer, which is the same everywhere.
  if (own === undefined) return value
  if (isTypedArray(value)) {
    const buffer = bufferOf(value)
    // A view over shared memory is no new one: it is what the caller has given.
    if (isSharedArrayBuffer(buffer)) return value
    adoptAll(buffer, seen)
  } else if (isMap(value) || isSet(value)) {
    for (const entry of value.entries()) for (const part of entry) adoptAll(part, seen)
  } else if (own === Object.prototype || own === Array.prototype) {
    for (const key of keys(value)) adoptAll(value[key], seen)
  }
  return setPrototypeOf(value, own)
}

module.exports = { adopt }
