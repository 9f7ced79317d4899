'use strict'

const { performance } = require('./host.js')

/**
 * A function that says whether what has this name is no repeat: the first in so many milliseconds.
 * @param {number} ms
 * @returns {(name: string) => boolean}
 */
function withoutRepeats(ms) {
  /** When each was last passed, by performance.now(); oldest first. @type {Map<string, number>} */
  const passed = new Map()
  return (name) => {
    const now = performance.now()
    for (const [known, at] of passed) {
      if (now - at < ms) break
      passed.delete(known)
    }
    if (passed.has(name)) return false
    passed.set(name, now)
    return true
  }
}

module.exports = { withoutRepeats }
