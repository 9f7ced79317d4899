// Ways to load a contestant: one task after the other, many in flight, one now and then, and heavy ones for good.
import { setTimeout as sleep } from 'node:timers/promises'
import { median } from './stats.mjs'

/** Batches are timed, and the median batch counts: a pause of the garbage collector or of the machine spoils one, not all. */
const BATCHES = 15

/**
 * Microseconds a round trip, one after the other.
 * @param {() => Promise<unknown>} task
 * @param {number} count
 */
export async function sequential(task, count) {
  return batched(count, async (size) => {
    for (let i = 0; i < size; i++) await task()
  })
}

/**
 * Microseconds a task with `lanes` of them in flight.
 * @param {() => Promise<unknown>} task
 * @param {number} lanes
 * @param {number} count
 */
export async function inFlight(task, lanes, count) {
  return batched(count, async (size) => {
    let left = size
    const lane = async () => {
      while (left-- > 0) await task()
    }
    await Promise.all(Array.from({ length: lanes }, lane))
  })
}

/**
 * Microseconds from the call to the answer, each after `idle` ms in which nothing happened.
 * @param {() => Promise<unknown>} task
 * @param {number} idle
 * @param {number} count
 * @returns {Promise<number[]>}
 */
export async function afterIdleness(task, idle, count) {
  const samples = []
  for (let i = 0; i < count; i++) {
    await sleep(idle)
    const start = performance.now()
    await task()
    samples.push((performance.now() - start) * 1e3)
  }
  return samples
}

/**
 * Keeps `lanes` heavy tasks in flight for as long as the process lives.
 * @param {() => Promise<number>} task counts `steps` steps
 * @param {number} steps
 * @param {number} lanes
 * @returns {{ perSecond: () => number }} how many have been done so far
 */
export function keepBusy(task, steps, lanes) {
  const start = performance.now()
  let done = 0
  const lane = async () => {
    for (;;) {
      const counted = await task()
      if (counted !== steps) throw new Error(`counted ${counted} of ${steps} steps`)
      done++
      // Without this, work that blocks the loop would never let it turn.
      await new Promise(setImmediate)
    }
  }
  for (let i = 0; i < lanes; i++) lane()
  return { perSecond: () => (1e3 * done) / (performance.now() - start) }
}

async function batched(count, run) {
  const size = Math.ceil(count / BATCHES)
  const times = []
  for (let batch = 0; batch < BATCHES; batch++) {
    const start = performance.now()
    await run(size)
    times.push(((performance.now() - start) * 1e3) / size)
  }
  return median(times)
}
