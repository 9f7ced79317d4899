'use strict'

const { totalmem } = require('node:os')
const { process } = require('./host.js')

/** The memory that this process may use, in bytes: what the machine has, or the limit of its cgroup. */
function usableMemory() {
  // None, or more than there is, where nobody limits it.
  const limit = process.constrainedMemory?.() || Infinity
  return Math.min(limit, totalmem())
}

module.exports = { usableMemory }
