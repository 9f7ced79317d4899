'use strict'

const { performance } = require('../host.js')

/** An answer that came so soon, in milliseconds, is taken without asking again. */
const SOON_MS = 50
/** How often is asked for one that does. */
const TRIES = 5
/** How long an answer is believed, in milliseconds: clocks of machines run at slightly different speeds. */
const BELIEVED_MS = 30_000
/** By how many milliseconds this machine's two clocks may part: more says that it slept, or that its time was set. */
const APART_MS = 100

/** Redis's clock, by which machines whose own clocks differ agree on deadlines. */
class Clock {
  #redis
  #steady
  /** Redis's time less this process's, in milliseconds. */
  #ahead = 0
  /** When Redis was asked last, by performance.now(). */
  #asked = Number.NEGATIVE_INFINITY
  /** The machine's time of day less performance.now(), which stands still while the machine sleeps. */
  #wall = 0
  /** @type {Promise<void> | undefined} */
  #asking

  /**
   * @param {import('./connection.js').Redis} redis
   * @param {() => number} [steady] performance.now()
   */
  constructor(redis, steady = performance.now) {
    this.#redis = redis
    this.#steady = steady
  }

  /** Asks Redis what time it is. To be called for every connection anew: another machine may answer. */
  set() {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #ask() {
    let best = { took: Infinity, ahead: 0 }
    for (let time = 0; time < TRIES && best.took > SOON_MS; time++) {
      const asked = this.#steady()
      const [seconds, microseconds] = await this.#redis.time()
      const answered = this.#steady()
      // It was asked somewhere in between. If this process stood still meanwhile, that says nothing.
      const took = answered - asked
      if (took < best.took) best = { took, ahead: seconds * 1e3 + microseconds / 1e3 - (asked + answered) / 2 }
    }
    this.#ahead = best.ahead
    this.#asked = this.#steady()
    this.#wall = this.#apart()
  }

  /** Milliseconds since 1970, as Redis has it. */
  async now() {
    if (Math.abs(this.#apart() - this.#wall) > APART_MS) await this.set()
    // What is known is good enough until there is an answer.
    else if (this.#steady() - this.#asked > BELIEVED_MS) this.set().catch(() => {})
    return this.#steady() + this.#ahead
  }

  /** How far this machine's two clocks are apart. */
  #apart() {
    return Date.now() - this.#steady()
  }
}

module.exports = { Clock }
