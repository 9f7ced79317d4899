// How long the event loop is held by one turn.

/**
 * Watches the gaps between the turns of the event loop until it is stopped.
 * @returns {() => number} stops, and gives the longest gap in milliseconds
 */
export function watchGaps() {
  let last = performance.now()
  let longest = 0
  let next = setImmediate(turn)
  function turn() {
    measure()
    next = setImmediate(turn)
  }
  function measure() {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
  }
  return () => {
    measure()
    clearImmediate(next)
    return longest
  }
}
