'use strict'

const { crc32 } = require('node:zlib')

// The work that every contestant with JavaScript workers does: one implementation, so that no contestant has an easier one.

/** V8 counts fastest in small integers, so the loop runs in blocks that stay within them. */
const BLOCK = 2 ** 30

/** Does nothing: what is left is the price of the way there and back. */
function empty() {
  return 0
}

/** Counts from 0 to n, really executing each step, as `heavyLoad` does. */
function count(n) {
  let counted = 0
  while (counted < n) counted += countBlock(Math.min(BLOCK, n - counted))
  return counted
}

function countBlock(n) {
  let i = 0
  while (i < n) i++
  return i
}

/**
 * Uses `ms` of CPU time of this thread, as `spin` does. Before Node 23.9 a thread cannot ask for its own CPU time; wall time
 * is used there, which favours the contestant: it also runs while the thread waits for a core.
 */
function spin(ms) {
  const start = cpuTime()
  let used = 0
  while (used < ms) used = cpuTime() - start
  return used
}

/** A pass over bytes, CRC-32. */
function checksum(bytes) {
  return crc32(bytes)
}

const cpuTime = process.threadCpuUsage
  ? () => {
      const { user, system } = process.threadCpuUsage()
      return (user + system) / 1e3
    }
  : () => performance.now()

module.exports = { empty, count, spin, checksum }
