// How long the event loop is held by one turn.
import { watchCollector } from './collector.mjs'

/** Shorter gaps are not worth keeping. */
const KEPT_MS = 0.1

/**
 * Watches the gaps between the turns of the event loop until it is stopped.
 * @returns {() => Promise<{ longest: number, withoutCollector: number }>} stops, and gives the longest gap in milliseconds:
 *   as it was, and without the time that V8's garbage collector took of it
 */
export function watchGaps() {
  const gaps = []
  const stopWatching = watchCollector()
  let last = performance.now()
  let next = setImmediate(turn)
  function turn() {
    measure()
    next = setImmediate(turn)
  }
  function measure() {
    const now = performance.now()
    if (now - last > KEPT_MS) gaps.push({ start: last, end: now })
    last = now
  }
  return async () => {
    measure()
    clearImmediate(next)
    const collected = await stopWatching()
    return {
      longest: Math.max(0, ...gaps.map(({ start, end }) => end - start)),
      withoutCollector: Math.max(0, ...gaps.map((gap) => gap.end - gap.start - collected(gap))),
    }
  }
}
