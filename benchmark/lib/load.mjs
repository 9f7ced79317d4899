// Ways to load a contestant: one task after the other, many in flight, one now and then.
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
