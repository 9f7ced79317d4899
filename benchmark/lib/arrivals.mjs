// Loads: tasks that come at random times, the same for every contestant, and what answering them takes.
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { workerFile } from './workers.mjs'

/** More threads than cores do not make more work. */
export function threadsAtWork(threads) {
  return Math.min(threads, availableParallelism())
}

/**
 * Random numbers between 0 and 1 (mulberry32): the same ones for the same seed.
 * @param {number} seed
 * @returns {() => number}
 */
export function seeded(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * A Poisson process in which the number of arrivals is given: each comes at any time alike. So the share of the threads' time that
 * the load asks for is exactly `share`, however few tasks it has.
 * @param {number[]} sizes milliseconds of CPU time, in no order
 * @param {{ share: number, threads: number, seed: number }} options
 * @returns {{ at: number, ms: number }[]} in the order of their arrival, in milliseconds from the first moment on
 */
export function poisson(sizes, { share, threads, seed }) {
  const random = seeded(seed)
  const span = sizes.reduce((sum, ms) => sum + ms, 0) / (share * threads)
  const times = sizes.map(() => span * random()).sort((a, b) => a - b)
  const shuffled = shuffle(sizes, random)
  return times.map((at, number) => ({ at, ms: shuffled[number] }))
}

/**
 * `count` sizes whose distribution is the bounded Pareto one: its quantiles at even distances, so that every load has its share of
 * large ones.
 */
export function paretoSizes(count, { alpha, least, most }) {
  const [low, high] = [least ** -alpha, most ** -alpha]
  return Array.from({ length: count }, (_, number) => (low - ((number + 0.5) / count) * (low - high)) ** (-1 / alpha))
}

/**
 * Starts every task at its time, whether or not those before are done.
 * @param {{ at: number, ms: number }[]} load
 * @param {(ms: number) => Promise<unknown>} start
 * @returns {Promise<number[]>} milliseconds from the arrival of each task to its answer
 */
export async function play(load, start) {
  const times = new Array(load.length)
  const answers = []
  const clock = new Worker(workerFile('arrivals.mjs'), { workerData: load.map(({ at }) => at) })
  await new Promise((resolve, reject) => {
    clock.on('message', ({ until, arrived }) => {
      while (answers.length < until) {
        const number = answers.length
        answers.push(start(load[number].ms).then(() => (times[number] = now() - arrived)))
      }
    })
    clock.once('error', reject).once('exit', resolve)
  })
  await Promise.all(answers)
  return times
}

/** Milliseconds on a clock that all threads of the process share. */
export function now() {
  const [seconds, nanoseconds] = process.hrtime()
  return 1e3 * seconds + nanoseconds / 1e6
}

function shuffle(list, random) {
  const shuffled = [...list]
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[shuffled[last], shuffled[other]] = [shuffled[other], shuffled[last]]
  }
  return shuffled
}
