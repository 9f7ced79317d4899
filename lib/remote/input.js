'use strict'

/** What of a call is sent: taken at the call, so that what JavaScript does to it later changes nothing. */

const { countReaders, detach, handOver } = require('../buffers.js')
const { kernelNames } = require('../native.js')
const { TASK_OPTIONS } = require('../options.js')
const { pack } = require('./wire.js')

/** The numbers of handOver: what may be done with a buffer. */
const HOW = 7
const TRANSFER = 1
const FROZEN = 3
const KERNELS = kernelNames()

/** @typedef {import('../buffers.js').Given['frozen'] & {}} Frozen */

/**
 * What of a call is to be sent. `release` is called when it has been.
 * @param {string} kernel
 * @param {any} input
 * @param {any} options
 * @param {import('../options.js').Settings} settings
 */
function packTask(kernel, input, options, { transfer }) {
  /** @type {import('./wire.js').Parts} */
  const parts = []
  /** @type {Frozen[]} */
  const held = []
  const number = KERNELS.indexOf(kernel)
  const argument = number < 0 ? 'input' : number
  const copied = (/** @type {any} */ buffer) => take(buffer, false, held, 'options')
  const taken = (/** @type {any} */ buffer) => take(buffer, transfer && buffer === input, held, argument)
  const own = Object.fromEntries(Object.entries(options).filter(([name]) => !TASK_OPTIONS.has(name)))
  // Whatever cannot be sent is found before anything is taken away.
  const packedOptions = pack(own, parts, copied)
  const packed = { input: pack(input, parts, taken), options: packedOptions, parts }
  for (const frozen of held) countReaders(frozen, 1)
  return {
    ...packed,
    release() {
      for (const frozen of held) countReaders(frozen, -1)
    },
  }
}

/**
 * Bytes of a buffer that nobody changes any more, until they are sent.
 * @param {any} buffer
 * @param {boolean} transfer
 * @param {Frozen[]} held
 * @param {import('../buffers.js').Argument} argument what messages call it
 * @returns {Uint8Array}
 */
function take(buffer, transfer, held, argument) {
  const { view, mode, frozen } = handOver(buffer, transfer, argument)
  if ((mode & HOW) === FROZEN) held.push(/** @type {Frozen} */ (frozen))
  const kept = (mode & HOW) === TRANSFER ? detach(view, argument) : view
  const bytes = new Uint8Array(kept.buffer, kept.byteOffset, kept.byteLength)
  return (mode & HOW) === TRANSFER || (mode & HOW) === FROZEN ? bytes : bytes.slice()
}

module.exports = { packTask }
