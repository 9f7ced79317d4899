'use strict'

/**
 * The kernels that the addon has installed. All else in lib/ knows kernels from here: their names, numbers and options, what may be
 * batched, and what takes streams. Kernels that only other machines know are not in it.
 *
 * Invariants:
 * 1. A kernel keeps its number as long as the process runs. So the lists below, whose index it is, only grow; and whoever has a number
 *    reads them directly.
 * 2. A kernel that any thread of the process has installed is found by its name from then on.
 */

const { cut, invalidType, makeError } = require('./errors.js')
const { installedKernels, kernels } = require('./native.js')

/** @type {string[]} */
const NAMES = []
/** What messages call the input. @type {string[]} */
const INPUTS = []
/**
 * The names of its own options: what its forms take beside what every task has.
 * @type {ReadonlySet<string>[]}
 */
const OWN_OPTIONS = []
/** Whether it takes its input as a stream, too. @type {boolean[]} */
const TAKES_STREAMS = []
/**
 * The largest N such that every integer from 0 to N is valid input, so that such calls may be batched; -1 for none.
 * @type {number[]}
 */
const INTEGERS_UP_TO = []
/** @type {Map<string, number>} */
const NUMBERS = new Map()
extend()

/** Takes in what has been installed since this was last done. */
function extend() {
  for (const { name, input, options, streams, acceptsIntegersUpTo } of installedKernels(NAMES.length)) {
    NUMBERS.set(name, NAMES.length)
    NAMES.push(name)
    INPUTS.push(input)
    OWN_OPTIONS.push(new Set(options))
    TAKES_STREAMS.push(streams)
    INTEGERS_UP_TO.push(acceptsIntegersUpTo)
  }
}

/**
 * The number of the kernel that has this name, if there is one. If it is a pack's, that is loaded.
 * @param {any} name
 * @returns {number | undefined}
 */
function findNumber(name) {
  const number = NUMBERS.get(name)
  if (number !== undefined || typeof name !== 'string') return number
  extend()
  if (!NUMBERS.has(name)) {
    // Few need it, so it is not loaded before.
    const { isThere, loadPack, packOf } = require('./packs.js')
    const pack = packOf(name)
    if (pack === undefined || !isThere(pack)) return undefined
    loadPack(pack)
    extend()
  }
  return NUMBERS.get(name)
}

/** What a kernel must be, in messages. */
const KERNEL =
  "a kernel or a kernel's name: a kernel is native code, and no function of JavaScript's (loadFunctions runs those)"

/**
 * The number of a kernel. Throws if there is no such kernel.
 * @param {any} kernel a name, or a function of ours that has one
 * @returns {number}
 */
function numberOf(kernel) {
  const name = nameOf(kernel)
  const number = findNumber(name)
  if (number !== undefined) return number
  if (typeof name !== 'string') {
    throw invalidType('kernel', KERNEL, kernel)
  }
  const pack = require('./packs.js').packOf(name)
  const where = pack === undefined ? '' : `; it is of the pack heavy-load/${pack}, which has no binary here`
  throw makeError('ERR_UNKNOWN_KERNEL', `There is no kernel '${cut(name)}'${where}. There are: ${NAMES.join(', ')}`)
}

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
  const number = findNumber(nameOf(kernel))
  return number === undefined ? undefined : OWN_OPTIONS[number]
}

module.exports = {
  KERNEL,
  INPUTS,
  INTEGERS_UP_TO,
  NAMES,
  OWN_OPTIONS,
  TAKES_STREAMS,
  /** Everything that kernels say of themselves, by number: there is much in it. */
  descriptions: kernels,
  findNumber,
  nameOf,
  numberOf,
  ownOptionsOf,
}
