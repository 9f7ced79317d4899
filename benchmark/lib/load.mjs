// Ways to load a contestant: one task after the other, many in flight, one now and then, and heavy ones for good.
import { setTimeout as sleep } from 'node:timers/promises'
import { median } from './stats.mjs'

/** Milliseconds before anything is measured: every contestant's code has been compiled by then as well as it will be. */
const WARM_UP = 300
/** Windows are timed, and the median window counts: a pause of the garbage collector or of the machine spoils one, not all. */
const WINDOW = 30
const WINDOWS = 10
const QUICK_WINDOWS = 5
/** Tasks between looks at the clock: short ones would measure it. */
const STRIDE = 16

/**
 * Microseconds a task with `lanes` of them in flight all the time; with one lane, one after the other.
 * @param {() => Promise<unknown>} task
 * @param {{ lanes?: number, quick?: boolean }} [options]
 */
export async function steady(task, { lanes = 1, quick = false } = {}) {
  const times = []
  let left = 1 + (quick ? QUICK_WINDOWS : WINDOWS)
  let done = 0
  let start = performance.now()
  const look = () => {
    const elapsed = performance.now() - start
    if (elapsed < (times.length === 0 ? WARM_UP : WINDOW)) return
    times.push((elapsed * 1e3) / done)
    left--
    done = 0
    start = performance.now()
  }
  const lane = async () => {
    while (left > 0) {
      await task()
      if (++done % STRIDE === 0) look()
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return median(times.slice(1))
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
