'use strict'

/** What is known of each kernel here. Kernels that only others know have no number. */

const { kernelNames, kernelOptions, kernelStreams } = require('./native.js')

/** By number, as everything below. */
const NAMES = kernelNames()
/** @type {ReadonlyMap<string, number>} */
const NUMBERS = new Map(NAMES.map((name, number) => [name, number]))
/**
 * The names of its own options: what its forms take beside what every task has.
 * @type {ReadonlySet<string>[]}
 */
const OWN_OPTIONS = kernelOptions().map((names) => new Set(names))
/** Whether it takes its input as a stream, too. */
const TAKES_STREAMS = kernelStreams()

/**
 * @param {any} kernel a name, or a function of ours that has one
 * @returns {any} the name; if it is neither, whatever was given
 */
function nameOf(kernel) {
  try {
    return typeof kernel === 'function' ? kernel.kernel : kernel
  } catch {
    // It does not let itself be looked at.
    return kernel
  }
}

/**
 * @param {any} kernel a name, or a function of ours that has one
 * @returns {ReadonlySet<string> | undefined}
 */
function ownOptionsOf(kernel) {
  const number = NUMBERS.get(nameOf(kernel))
  return number === undefined ? undefined : OWN_OPTIONS[number]
}

module.exports = { NAMES, NUMBERS, OWN_OPTIONS, TAKES_STREAMS, nameOf, ownOptionsOf }
