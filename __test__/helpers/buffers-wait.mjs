// Waiting for what has no event of its own: looks again at every turn of the event loop, for a bounded time.

const LONGEST_MS = 60_000

export function turn() {
  return new Promise(setImmediate)
}

export async function until(condition, what = String(condition)) {
  const giveUp = performance.now() + LONGEST_MS
  while (!condition()) {
    if (performance.now() > giveUp) throw new Error(`did not come to pass: ${what}`)
    await turn()
  }
}
