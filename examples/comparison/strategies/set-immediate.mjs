// Work on the event loop in slices: an array of heavy items, ten at a time, and a turn of the loop between two batches.
import { setImmediate as turn } from 'node:timers/promises'
import { count } from '../lib/count.cjs'

/** Steps of one item, and items of one batch: a batch takes some milliseconds, and that is what others wait. */
const ITEM = 1_000_000
const BATCH = 10
/** How often the timer beside the work looks. */
const EVERY_MS = 50

export const strategy = {
  name: 'set-immediate',
  job: 'count',
  title: 'Batches with setImmediate',
  summary:
    'Items on the event loop, ten at a time, with setImmediate between two batches: others wait for a batch only, but there is one core for all.',
  can: { parallel: false, progress: true, cancel: true, zeroCopy: false, otherMachines: false },
  async open() {
    return { run, async close() {} }
  },
}

async function run(iterations, { signal, onProgress }) {
  const items = heavyItems(iterations)
  let done = 0
  let counted = 0
  // The progress comes from a timer that knows nothing of the batches: if there is any, then the loop breathes.
  const timer = setInterval(() => onProgress(done / items.length), EVERY_MS)
  try {
    while (done < items.length) {
      for (const steps of items.slice(done, done + BATCH)) {
        counted += count(steps)
        done++
      }
      await turn()
      signal.throwIfAborted()
    }
    return counted
  } finally {
    clearInterval(timer)
  }
}

function heavyItems(iterations) {
  const items = new Array(Math.floor(iterations / ITEM)).fill(ITEM)
  if (iterations % ITEM > 0) items.push(iterations % ITEM)
  return items
}
