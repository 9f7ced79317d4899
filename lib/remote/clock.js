'use strict'

const { performance } = require('../host.js')

/** Redis's clock, by which machines whose own clocks differ agree on deadlines. */
class Clock {
  /** Redis's time less this process's, in milliseconds. */
  #ahead = 0

  /**
   * Asks Redis what time it is. To be called for every connection anew: another machine may answer.
   * @param {import('./connection.js').Redis} redis
   */
  async set(redis) {
    const asked = performance.now()
    const [seconds, microseconds] = await redis.time()
    // It was asked somewhere between the question and the answer.
    const then = (asked + performance.now()) / 2
    this.#ahead = seconds * 1e3 + microseconds / 1e3 - then
  }

  /** Milliseconds since 1970, as Redis has it. */
  now() {
    return performance.now() + this.#ahead
  }
}

module.exports = { Clock }
