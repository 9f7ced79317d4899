// V8's garbage collector, and what it takes of the JavaScript thread's time.
import { PerformanceObserver } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')

/** Collects all garbage now. */
export const collect = runInNewContext('gc')

/**
 * Watches the collector until it is stopped.
 * @returns {() => Promise<(span: { start: number, end: number }) => number>} stops, and gives how many milliseconds of a span of time
 *   the collector took
 */
export function watchCollector() {
  const collections = []
  const observer = new PerformanceObserver((list) => collections.push(...list.getEntries()))
  observer.observe({ entryTypes: ['gc'] })
  return async () => {
    // The observer is told in a later turn.
    await new Promise((resolve) => setImmediate(resolve))
    collections.push(...observer.takeRecords())
    observer.disconnect()
    return ({ start, end }) =>
      collections.reduce((sum, { startTime, duration }) => {
        return sum + Math.max(0, Math.min(end, startTime + duration) - Math.max(start, startTime))
      }, 0)
  }
}
