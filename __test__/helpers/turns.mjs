// Turns of the event loop, and waiting for what has no event of its own.

const LONGEST_MS = 60_000

export function turn() {
  return new Promise(setImmediate)
}

/** Looks again at every turn, for a bounded time. */
export async function until(condition, what = String(condition)) {
  const giveUp = performance.now() + LONGEST_MS
  while (!condition()) {
    if (performance.now() > giveUp) throw new Error(`did not come to pass: ${what}`)
    await turn()
  }
}

/** Counts turns from now on; `stop()` gives how many there were. */
export function countTurns() {
  let turns = 0
  let immediate
  const count = () => {
    turns++
    immediate = setImmediate(count)
  }
  immediate = setImmediate(count)
  return {
    stop() {
      clearImmediate(immediate)
      return turns
    },
  }
}
