// The order that nobody reaches without an oracle: shortest remaining time first, every size known, every change of tasks free.

/** Below this a task is done: sums of numbers are not exact. */
const NOTHING_MS = 1e-9

/**
 * Simulates threads that always work on the tasks of which the least is left; the first come where as much is left. For tasks of one
 * size that is a plain queue.
 * @param {{ at: number, ms: number }[]} load in the order of arrival
 * @param {number} threads
 * @returns {number[]} milliseconds from the arrival of each task to its end
 */
export function shortestRemainingFirst(load, threads) {
  const times = new Array(load.length)
  /** By what is left. A task goes behind those of which as much is left, so they stay in the order of their arrival. */
  const present = []
  let next = 0
  let now = 0
  while (next < load.length || present.length > 0) {
    const arrival = next < load.length ? load[next].at : Number.POSITIVE_INFINITY
    const end = present.length > 0 ? now + present[0].left : Number.POSITIVE_INFINITY
    const until = Math.min(arrival, end)
    for (const task of present.slice(0, threads)) task.left -= until - now
    now = until
    while (present.length > 0 && present[0].left <= NOTHING_MS) {
      const { number } = present.shift()
      times[number] = now - load[number].at
    }
    if (now < arrival) continue
    const { ms } = load[next]
    const place = present.findIndex(({ left }) => left > ms)
    present.splice(place < 0 ? present.length : place, 0, { number: next, left: ms })
    next++
  }
  return times
}
