'use strict'

/** What becomes of a remote pool's tasks: counted for `stats()`, and reported to observers. */

const { createHistogram } = require('node:perf_hooks')
const { notify, outcomeOf } = require('../observe.js')

/**
 * @typedef {import('../observe.js').Outcome} Outcome
 * @typedef {import('../times.js').Times} Times
 */

class Tally {
  #pool
  /** @type {Record<Outcome, number>} */
  #counts = { completed: 0, failed: 0, cancelled: 0, timed_out: 0, rejected: 0 }
  /** In microseconds, as the next. */
  #wait = createHistogram()
  #run = createHistogram()

  /** @param {any} pool as observers get it */
  constructor(pool) {
    this.#pool = pool
  }

  /**
   * A promise was settled.
   * @param {string} kernel
   * @param {Outcome} outcome
   * @param {Times | undefined} times
   */
  settled(kernel, outcome, times) {
    this.#counts[outcome]++
    notify((observer) => observer.ended(this.#pool, kernel, outcome, times?.route))
  }

  /**
   * A promise was rejected.
   * @param {string} kernel
   * @param {any} error
   * @param {Times | undefined} times
   */
  failed(kernel, error, times) {
    const outcome = outcomeOf(error)
    const count = () => this.settled(kernel, outcome, times)
    // Whoever called may try again, and says so if it does not.
    if (outcome === 'rejected' && times?.uncounted !== undefined) times.uncounted.set(error, count)
    else count()
  }

  /**
   * @param {string} kernel
   * @param {number} wait milliseconds from the call, but for the run
   * @param {number} run milliseconds
   * @param {Times | undefined} times
   */
  measured(kernel, wait, run, times) {
    record(this.#wait, wait)
    record(this.#run, run)
    notify((observer) => observer.measured(this.#pool, kernel, wait, run, times?.route))
  }

  /** As in a pool's `stats()`. */
  get stats() {
    const { timed_out: timedOut, ...counts } = this.#counts
    return { ...counts, timedOut, wait: percentiles(this.#wait), run: percentiles(this.#run) }
  }
}

/**
 * @param {import('node:perf_hooks').RecordableHistogram} histogram
 * @param {number} ms
 */
function record(histogram, ms) {
  histogram.record(Math.max(1, Math.round(ms * 1e3)))
}

/**
 * In milliseconds; all 0 while there are none.
 * @param {import('node:perf_hooks').Histogram} histogram
 */
function percentiles(histogram) {
  const { count } = histogram
  const ms = (/** @type {number} */ microseconds) => (count === 0 ? 0 : microseconds / 1e3)
  const at = (/** @type {number} */ percentile) => ms(histogram.percentile(percentile))
  const { mean, min, max } = histogram
  return { count, mean: ms(mean), min: ms(min), max: ms(max), p50: at(50), p90: at(90), p99: at(99), p999: at(99.9) }
}

module.exports = { Tally }
