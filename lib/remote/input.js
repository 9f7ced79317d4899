'use strict'

/** What of a call is sent: taken at the call, so that what JavaScript does to it later changes nothing. */

const { copyFrom, countReaders, detach, handOver } = require('../buffers.js')
const { findNumber } = require('../catalog.js')
const { toError } = require('../errors.js')
const { checkCall, constants } = require('../native.js')
const { TASK_OPTIONS } = require('../options.js')
const { bytesOf, sizeOf } = require('../views.js')
const { pack } = require('./wire.js')

const { transfer: TRANSFER, frozen: FROZEN, bare } = constants.handOver
/** What is left of a mode is how the buffer may be handed over. */
const HOW = ~bare
const NOTHING = new Uint8Array(0)

/** @typedef {import('../buffers.js').Given['frozen'] & {}} Frozen */

/**
 * What of a call is to be sent. Whatever is wrong with it is found here; `take` takes the bytes, and `release` is called when they have been
 * sent.
 * @param {string} kernel
 * @param {any} input
 * @param {any} options
 * @param {import('../options.js').Settings} settings
 */
function packTask(kernel, input, options, { transfer }) {
  /** @type {any[]} */
  const buffers = []
  const note = (/** @type {any} */ buffer) => {
    buffers.push(buffer)
    return NOTHING
  }
  /** @type {import('./wire.js').Parts} */
  const parts = []
  const own = Object.fromEntries(Object.entries(options).filter(([name]) => !TASK_OPTIONS.has(name)))
  const packed = { options: pack(own, parts, note), input: pack(input, parts, note), parts }
  check(kernel, input, options, transfer)
  /** @type {Frozen[]} */
  const held = []
  return {
    ...packed,
    take() {
      for (const [part, buffer] of buffers.entries()) {
        const isInput = buffer === input
        parts[part] = take(buffer, transfer && isInput, held, isInput ? (findNumber(kernel) ?? 'input') : 'options')
      }
      for (const frozen of held) countReaders(frozen, 1)
    },
    release() {
      for (const frozen of held) countReaders(frozen, -1)
    },
  }
}

/**
 * Has the kernel look at what it is to get. Of one that is not known here, a worker may know more.
 * @param {string} kernel
 * @param {any} input
 * @param {any} options
 * @param {boolean} transfer
 */
function check(kernel, input, options, transfer) {
  const number = findNumber(kernel)
  const { view, mode } = handOver(input, transfer, number ?? 'input')
  if (number === undefined) return
  try {
    checkCall(number, view, options, mode)
  } catch (failure) {
    throw toError(failure, 'input')
  }
}

/**
 * Bytes of a buffer that nobody changes any more, until they are sent.
 * @param {any} buffer
 * @param {boolean} transfer
 * @param {Frozen[]} held
 * @param {import('../buffers.js').Argument} argument what messages call it
 * @returns {Uint8Array | Frozen}
 */
function take(buffer, transfer, held, argument) {
  const { view, mode, frozen } = handOver(buffer, transfer, argument)
  if (frozen !== undefined && (mode & HOW) === FROZEN) {
    held.push(frozen)
    return frozen
  }
  if ((mode & HOW) === TRANSFER) return bytesOf(detach(view, argument))
  return copyFrom(bytesOf(view), 0, sizeOf(view))
}

module.exports = { packTask }
