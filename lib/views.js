'use strict'

/**
 * Typed arrays, asked by the language's own functions, taken when this module was loaded, and never by their properties: a subclass could
 * lie about what it stands on, and the addon would believe it.
 *
 * There are ArrayBuffers that nobody but this package may have, since a kernel reads them: those that `detach` and `freeze` have moved
 * memory into, and a stream's rooms. Whatever is done to a view over such a one is done by these functions: a property or a method would
 * be looked up on prototypes that are everybody's, and a species be the caller's class, and whoever has put something there would get the
 * view. They are called without a look-up, and call nothing of the caller's.
 *
 * This is loaded with the package, whereas most that uses it is loaded when it is first needed.
 */

const { types } = require('node:util')
const { Buffer, uncurry } = require('./host.js')

/** The class that it is now. */
const Bytes = Uint8Array
/** By name; without a prototype, since the name may be that of a class that is newer than this. @type {Record<string, any>} */
const TYPED_ARRAYS = {
  __proto__: null,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
}
const TypedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype)
const bufferOf = getter(TypedArrayPrototype, 'buffer')
const offsetOf = getter(TypedArrayPrototype, 'byteOffset')
const lengthOf = getter(TypedArrayPrototype, 'length')
const sizeOf = getter(TypedArrayPrototype, 'byteLength')
const className = getter(TypedArrayPrototype, Symbol.toStringTag)
const at = uncurry(TypedArrayPrototype.at)
const setFrom = uncurry(TypedArrayPrototype.set)
const bufferFrom = Buffer.from
const hasBufferPrototype = Buffer.isBuffer
const dataViewBuffer = getter(DataView.prototype, 'buffer')
const dataViewOffset = getter(DataView.prototype, 'byteOffset')
const dataViewLength = getter(DataView.prototype, 'byteLength')
const isResizable = getter(ArrayBuffer.prototype, 'resizable')
const byteLengthOf = getter(ArrayBuffer.prototype, 'byteLength')
/** None in Node.js 20. */
const transferOf = uncurry(/** @type {any} */ (ArrayBuffer.prototype).transfer)
const { isAnyArrayBuffer, isDataView, isSharedArrayBuffer, isTypedArray, isUint8Array } = types

/**
 * The same bytes, as bytes.
 * @param {any} view
 */
function bytesOf(view) {
  return new Bytes(bufferOf(view), offsetOf(view), sizeOf(view))
}

/**
 * Some of the bytes, in place.
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 */
function part(bytes, start, end) {
  return new Bytes(bufferOf(bytes), offsetOf(bytes) + start, end - start)
}

/**
 * Copies bytes to where others are.
 * @param {Uint8Array} to
 * @param {number} start
 * @param {Uint8Array} from
 */
function copyInto(to, start, from) {
  setFrom(to, from, start)
}

/**
 * So many zeros. Not a Buffer, for which Node ends the process where there is no memory.
 * @param {number} size
 */
function zeros(size) {
  return new Bytes(size)
}

/**
 * Some of the bytes, in an ArrayBuffer of their own, for whoever wants them.
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 */
function copyOf(bytes, start, end) {
  const copy = zeros(end - start)
  copyInto(copy, 0, part(bytes, start, end))
  return bufferFrom(bufferOf(copy))
}

/**
 * @param {any} prototype
 * @param {string | symbol} name
 * @returns {(target: any) => any}
 */
function getter(prototype, name) {
  return uncurry(/** @type {any} */ (Object.getOwnPropertyDescriptor(prototype, name)).get)
}

module.exports = {
  Bytes,
  TYPED_ARRAYS,
  at,
  bufferFrom,
  bufferOf,
  byteLengthOf,
  bytesOf,
  className,
  copyInto,
  copyOf,
  dataViewBuffer,
  dataViewLength,
  dataViewOffset,
  hasBufferPrototype,
  isAnyArrayBuffer,
  isDataView,
  isResizable,
  isSharedArrayBuffer,
  isTypedArray,
  isUint8Array,
  lengthOf,
  offsetOf,
  part,
  sizeOf,
  transferOf,
  zeros,
}
