'use strict'

/** What a worker thread and its owner share. */

/** In `counters`: how many calls have been sent, modulo 2^32. */
const REQUESTS = 0
/** In `fractions`: how much of its work the function says is done. */
const PROGRESS = 1
/** Two numbers of 64 bits: the first for `counters`. */
const BYTES = 16

/** @param {SharedArrayBuffer} memory */
function viewsOf(memory) {
  return { counters: new Int32Array(memory), fractions: new Float64Array(memory) }
}

module.exports = { BYTES, PROGRESS, REQUESTS, viewsOf }
