'use strict'

// The work that every strategy in JavaScript does: one loop, so that none has an easier one. CommonJS, because worker-farm loads
// its workers with require().

/** Steps between two looks around: some milliseconds. V8 counts fastest in small integers, and this is one. */
const BLOCK = 2 ** 24

/**
 * Counts from 0 to `iterations`, really executing each step, as `heavyLoad` does.
 * @param {number} iterations
 * @param {(counted: number) => boolean | void} [onBlock] called after every block; false stops
 * @returns {number} the count, which is `iterations` unless it was stopped
 */
function count(iterations, onBlock) {
  let counted = 0
  while (counted < iterations) {
    counted += countBlock(Math.min(BLOCK, iterations - counted))
    if (onBlock?.(counted) === false) break
  }
  return counted
}

function countBlock(steps) {
  let i = 0
  while (i < steps) i++
  return i
}

module.exports = { count }
