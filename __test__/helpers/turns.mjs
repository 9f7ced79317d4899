// Turns of the event loop.

export function turn() {
  return new Promise(setImmediate)
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
