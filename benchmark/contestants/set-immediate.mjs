// No pool, but manners: the work is done on the event loop's thread in slices, and the loop has its turn between two of them.
import { setImmediate as turn } from 'node:timers/promises'
import tasks from '../workers/tasks.cjs'

/** Steps that take about a millisecond. */
const SLICE = 4_000_000

export function open() {
  return {
    empty: async () => tasks.empty(),
    count,
    close: async () => undefined,
  }
}

async function count(n) {
  let counted = 0
  while (counted < n) {
    counted += tasks.count(Math.min(SLICE, n - counted))
    await turn()
  }
  return counted
}
