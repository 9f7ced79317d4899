'use strict'

/** The names of each kernel's own options: what its forms take beside what every task has. */

const { kernelNames, kernelOptions } = require('./native.js')

/**
 * By the kernel's number.
 * @type {ReadonlySet<string>[]}
 */
const OWN_OPTIONS = kernelOptions().map((names) => new Set(names))
/** @type {Map<string, ReadonlySet<string>>} */
const byName = new Map(kernelNames().map((name, number) => [name, OWN_OPTIONS[number]]))

/**
 * Those of a kernel, given as callers may; none if it is only known elsewhere, or nowhere.
 * @param {any} kernel a name, or a function of ours that has one
 * @returns {ReadonlySet<string> | undefined}
 */
function ownOptionsOf(kernel) {
  return byName.get(typeof kernel === 'function' ? kernel.kernel : kernel)
}

module.exports = { OWN_OPTIONS, ownOptionsOf }
