'use strict'

const { createHistogram } = require('node:perf_hooks')

/** Durations, of which the percentiles of `stats()` are made. */
class Durations {
  /** In microseconds. */
  #histogram = createHistogram()

  /** @param {number} ms */
  add(ms) {
    this.#histogram.record(Math.max(1, Math.round(ms * 1e3)))
  }

  /** In milliseconds; all 0 while there are none. */
  get percentiles() {
    const histogram = this.#histogram
    const { count } = histogram
    const ms = (/** @type {number} */ microseconds) => (count === 0 ? 0 : microseconds / 1e3)
    const at = (/** @type {number} */ percentile) => ms(histogram.percentile(percentile))
    return {
      count,
      mean: ms(histogram.mean),
      min: ms(histogram.min),
      max: ms(histogram.max),
      p50: at(50),
      p90: at(90),
      p99: at(99),
      p999: at(99.9),
    }
  }
}

module.exports = { Durations }
