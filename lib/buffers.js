'use strict'

/**
 * How buffers are handed over to kernels. What stands on memory is asked by the functions of views.js, and never by its properties: it may
 * be somebody's who lies, or memory that nobody else may have.
 */

const { INPUTS } = require('./catalog.js')
const {
  OF_COPY,
  THIS_COPY,
  brand,
  extend,
  invalidType,
  invalidValue,
  makeError,
  ofAnotherCopy,
} = require('./errors.js')
const { INSPECT, structuredClone } = require('./host.js')
const { isLent, constants } = require('./native.js')
const { adopt } = require('./realm.js')
const views = require('./views.js')

const { Bytes, TYPED_ARRAYS, bytesOf, copyOf } = views
const { at, bufferFrom, bufferOf, className, hasBufferPrototype, lengthOf, offsetOf, sizeOf } = views
const { dataViewBuffer, dataViewLength, dataViewOffset, isDataView, isTypedArray, isUint8Array } = views
const { byteLengthOf, isAnyArrayBuffer, isResizable, isSharedArrayBuffer, transferOf } = views

const { copy: COPY, transfer: TRANSFER, shared: SHARED, frozen: FROZEN } = constants.handOver
/** The caller gave a bare buffer: the view is only ours. */
const BARE = constants.handOver.bare

/**
 * @typedef {Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array
 *   | Float32Array | Float64Array | BigInt64Array | BigUint64Array} TypedArray
 * @typedef {{ view: any, mode: number, frozen: FrozenBuffer | undefined, isBuffer: boolean }} Given what the addon is given,
 *   and whether the caller gave a Buffer, which the addon does not know from a Uint8Array
 */

/** @type {((buffer: any) => boolean) | undefined} */
let isMarked

/**
 * What a message calls an argument: its name, or the number of the kernel whose input it is.
 * @typedef {string | number} Argument
 */

/**
 * Says how an input is to be handed over. Throws ERR_INVALID_ARG_VALUE for memory that could move or vanish under a kernel.
 * @param {any} input
 * @param {boolean} transfer
 * @param {Argument} argument
 * @returns {Given}
 */
function handOver(input, transfer, argument) {
  if (typeof input !== 'object' || input === null) return plain(input)
  if (isFrozen(input)) return { view: frozenView(input, argument), mode: FROZEN | BARE, frozen: input, isBuffer: false }
  const bare = !isTypedArray(input)
  const view = viewOf(input, argument)
  if (view === undefined) {
    refuseOfAnotherCopy(input, argument)
    return plain(input)
  }
  const mode = modeOf(view, transfer, argument)
  // Over shared memory the result is the caller's own view.
  const wasBuffer = mode !== SHARED && isBuffer(view)
  return { view, mode: mode | (bare ? BARE : 0), frozen: undefined, isBuffer: wasBuffer }
}

/**
 * Refuses what was frozen by another copy of the package: only that can read it.
 * @param {any} input
 * @param {Argument} argument
 */
function refuseOfAnotherCopy(input, argument) {
  if (ofAnotherCopy(input) === '') return
  const name = typeof argument === 'number' ? INPUTS[argument] : argument
  throw invalidType(name, `a FrozenBuffer of this copy of heavy-load, ${THIS_COPY.folder}`, input)
}

/**
 * An input that is no buffer.
 * @param {any} input
 * @returns {Given}
 */
function plain(input) {
  return { view: input, mode: COPY, frozen: undefined, isBuffer: false }
}

/**
 * The bytes of a buffer of any kind, in place; none if it is no buffer. They may be a frozen buffer's: to be touched by views.js alone.
 * @param {any} input
 * @param {Argument} argument
 * @returns {Uint8Array | undefined}
 */
function bytesIn(input, argument) {
  if (isFrozen(input)) return frozenView(input, argument)
  const view = viewOf(input, argument)
  return view && bytesOf(view)
}

/**
 * The typed array that an input is or can be seen through; none if it is no buffer.
 * @param {any} input
 * @param {Argument} argument
 * @returns {TypedArray | undefined}
 */
function viewOf(input, argument) {
  if (isTypedArray(input)) {
    // Of all its methods and getters, only those that read elements tell one that is detached or out of bounds.
    try {
      at(input, 0)
    } catch {
      throw unusable(bufferOf(input), input, argument)
    }
    return TYPED_ARRAYS[className(input)] && /** @type {TypedArray} */ (input)
  }
  try {
    if (isDataView(input)) {
      return new Bytes(dataViewBuffer(input), dataViewOffset(input), dataViewLength(input))
    }
    if (isAnyArrayBuffer(input)) return new Bytes(input)
  } catch {
    throw unusable(isDataView(input) ? dataViewBuffer(input) : input, input, argument)
  }
  return undefined
}

/**
 * Whether an input can be handed over again: its memory has not gone with a task that was given up later.
 * @param {any} input
 */
function isUsable(input) {
  if (typeof input !== 'object' || input === null) return true
  try {
    viewOf(input, 'input')
    return true
  } catch {
    return false
  }
}

/**
 * @param {ArrayBufferLike} buffer
 * @param {any} input over the buffer
 * @param {Argument} argument
 */
function unusable(buffer, input, argument) {
  return invalid(argument, isDetached(buffer) ? 'is detached' : 'is out of bounds of its memory', input)
}

/** @param {any} buffer */
function isDetached(buffer) {
  // No view can be made over a detached buffer, and one over any other.
  try {
    return new Bytes(buffer).length < 0
  } catch {
    return true
  }
}

/**
 * @param {TypedArray} view
 * @param {boolean} transfer
 * @param {Argument} argument
 */
function modeOf(view, transfer, argument) {
  const buffer = bufferOf(view)
  // It may grow, but it neither moves nor shrinks.
  if (isSharedArrayBuffer(buffer)) return SHARED
  if (isResizable(buffer)) throw invalid(argument, 'must not stand on a resizable ArrayBuffer', view)
  return transfer && !isPooled(view) ? TRANSFER : COPY
}

/**
 * Whether a view is a Buffer that shares its memory with others, as small ones share Node's slab.
 * @param {TypedArray} view
 */
function isPooled(view) {
  return isBuffer(view) && lengthOf(view) !== byteLengthOf(bufferOf(view))
}

/**
 * Takes a view's memory away from whoever holds it: moves its ArrayBuffer, in constant time, into one that only the
 * returned view knows. Of a Buffer that is a Uint8Array: Node's own functions look at properties, which are everybody's.
 * @param {any} view
 * @param {Argument} argument
 */
function detach(view, argument) {
  const View = TYPED_ARRAYS[className(view)]
  const offset = offsetOf(view)
  const length = lengthOf(view)
  return new View(move(view, argument), offset, length)
}

/**
 * Moves a view's ArrayBuffer into another, which nobody else knows.
 * @param {any} view
 * @param {Argument} argument
 */
function move(view, argument) {
  const buffer = bufferOf(view)
  const size = byteLengthOf(buffer)
  let moved
  let cause
  try {
    // Node's slab of small Buffers, above all: `transfer` does not heed the mark everywhere, and would empty them all.
    if (isUntransferable(buffer)) throw new TypeError('The ArrayBuffer is marked as untransferable')
    moved = transferOf ? transferOf(buffer) : adopt(structuredClone(buffer, { transfer: [buffer] }))
  } catch (error) {
    cause = error
  }
  // WebAssembly.Memory's buffer, for one: some versions of Node throw, others copy.
  const isGone = size > 0 ? byteLengthOf(buffer) === 0 : isDetached(buffer)
  if (moved === undefined || !isGone) {
    throw extend(invalid(argument, 'stands on memory that cannot be detached', view), { cause })
  }
  return moved
}

/**
 * Asked for when it is needed: that module is slow to load.
 * @param {any} buffer
 */
function isUntransferable(buffer) {
  // Since Node.js 21, and before that structuredClone, which heeds the mark, is what detaches.
  isMarked ??= require('node:worker_threads').isMarkedAsUntransferable ?? (() => false)
  return isMarked(buffer)
}

/**
 * A Buffer over a new array of bytes; other results as they are. For calls that were given a Buffer.
 * @param {any} result
 */
function asBuffer(result) {
  if (!isUint8Array(result) || hasBufferPrototype(result)) return result
  return bufferFrom(/** @type {ArrayBuffer} */ (bufferOf(result)), offsetOf(result), lengthOf(result))
}

/**
 * Takes the bytes away from JavaScript, in constant time, so that any number of tasks can read them without a copy.
 * @param {any} data
 */
function freeze(data) {
  if (isFrozen(data)) return data
  const view = viewOf(data, 'data')
  if (view === undefined) {
    refuseOfAnotherCopy(data, 'data')
    throw brand(
      invalidType('data', 'an instance of Buffer, TypedArray, DataView, ArrayBuffer or FrozenBuffer', data),
      'input',
    )
  }
  if (modeOf(view, true, 'data') === SHARED) {
    throw invalidValue('data', 'must not be shared memory, which cannot be taken away', data)
  }
  const size = sizeOf(view)
  if (isPooled(view)) return over(new Bytes(/** @type {any} */ (view)), size)
  const offset = offsetOf(view)
  return over(new Bytes(move(view, 'data'), offset, size), size)
}

/**
 * How many bytes there are.
 * @param {Uint8Array | FrozenBuffer} bytes
 * @returns {number}
 */
function sizeIn(bytes) {
  return isFrozen(bytes) ? sizeOfFrozen(/** @type {FrozenBuffer} */ (bytes)) : sizeOf(bytes)
}

/**
 * Some of them, as a Buffer that is the caller's.
 * @param {Uint8Array | FrozenBuffer} bytes
 * @param {number} start
 * @param {number} end
 */
function copyFrom(bytes, start, end) {
  const view = isFrozen(bytes) ? frozenView(/** @type {FrozenBuffer} */ (bytes), 'this') : bytes
  return copyOf(/** @type {Uint8Array} */ (view), start, end)
}

const MAKE = Symbol('made by freeze')
/** What only this library may do with a frozen buffer: set by the class itself, which alone sees its fields. */
/** @type {(value: any) => boolean} */
let isFrozen
/** @type {(view: Uint8Array, size: number) => FrozenBuffer} */
let over
/** @type {(frozen: FrozenBuffer) => number} */
let sizeOfFrozen
/** @type {(frozen: FrozenBuffer, argument: Argument) => Uint8Array} */
let frozenView
/** @type {(frozen: FrozenBuffer, change: 1 | -1) => void} */
let countReaders

/** Bytes that any number of tasks read at once. Made by `freeze`; collected, with its bytes, when it is dropped. */
class FrozenBuffer {
  /** @type {Uint8Array | undefined} over an ArrayBuffer that nobody else knows; none once thawed */
  #view
  #size = 0
  #readers = 0

  /** @param {unknown} token */
  constructor(token) {
    if (token !== MAKE) throw new TypeError('Illegal constructor: use freeze()')
  }

  get byteLength() {
    return this.#size
  }

  get [OF_COPY]() {
    return THIS_COPY
  }

  /** What `console.log` shows. */
  [INSPECT]() {
    return this.#view === undefined ? 'FrozenBuffer (thawed)' : `FrozenBuffer { byteLength: ${this.#size} }`
  }

  /** Gives the bytes back, in constant time. */
  thaw() {
    if (this.#readers > 0) {
      throw makeError('ERR_BUFFER_IN_USE', `The buffer is being read by ${this.#readers} tasks`)
    }
    const view = frozenView(this, 'this')
    // The readers are counted by code that the caller's runs amid; whether Rust has the memory, Rust knows.
    if (isLent(view)) throw makeError('ERR_BUFFER_IN_USE', 'The buffer is being read')
    this.#view = undefined
    this.#size = 0
    return view
  }

  static {
    isFrozen = (value) => typeof value === 'object' && value !== null && #view in value
    over = (view, size) => {
      const frozen = new FrozenBuffer(MAKE)
      // A copy would be an empty object: better none. Since Node.js 22.10.
      require('node:worker_threads').markAsUncloneable?.(frozen)
      frozen.#view = view
      frozen.#size = size
      return frozen
    }
    frozenView = (frozen, argument) => {
      if (frozen.#view === undefined) throw invalid(argument, 'has been thawed', frozen)
      return frozen.#view
    }
    sizeOfFrozen = (frozen) => frozen.#size
    countReaders = (frozen, change) => {
      frozen.#readers += change
    }
  }
}

/**
 * @param {Argument} argument
 * @param {string} reason
 * @param {any} input
 */
function invalid(argument, reason, input) {
  const name = typeof argument === 'number' ? INPUTS[argument] : argument
  const received = `Received an instance of ${isTypedArray(input) ? className(input) : nameOf(input)}`
  // How memory is handed over is up to whoever writes the call, whatever is in it.
  return makeError('ERR_INVALID_ARG_VALUE', `The "${name}" argument ${reason}. ${received}`)
}

/** @param {any} input an ArrayBuffer, a DataView or a FrozenBuffer */
function nameOf(input) {
  if (isFrozen(input)) return 'FrozenBuffer'
  if (isDataView(input)) return 'DataView'
  return isSharedArrayBuffer(input) ? 'SharedArrayBuffer' : 'ArrayBuffer'
}

/**
 * Whether a view is a Buffer: of bytes, too, for any view may have its prototype.
 * @param {any} view
 */
function isBuffer(view) {
  return hasBufferPrototype(view) && isUint8Array(view)
}

module.exports = {
  TYPED_ARRAYS,
  FrozenBuffer,
  asBuffer,
  bytesIn,
  classOf: className,
  copyFrom,
  countReaders,
  detach,
  freeze,
  handOver,
  isUsable,
  sizeIn,
}
