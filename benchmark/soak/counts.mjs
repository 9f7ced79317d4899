// Counting what is seen, on both sides, and random numbers that a seed gives again.

/** A number for each name, 0 until it is counted. */
export class Counts {
  #counts = {}

  add(name, count = 1) {
    this.#counts[name] = (this.#counts[name] ?? 0) + count
  }

  get(name) {
    return this.#counts[name] ?? 0
  }

  get all() {
    return Object.fromEntries(Object.entries(this.#counts).sort())
  }
}

/** Numbers from 0 to 1: mulberry32. */
export function random(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
