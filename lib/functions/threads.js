'use strict'

/**
 * The worker threads of one module. They are started when they are needed, and one more than are busy is kept ready, so that a call does not
 * wait for a start because the one before it was stopped.
 *
 * Invariants:
 * 1. A thread has at most one call, and a call one thread. A call that is stopped takes its thread with it, and no other call.
 * 2. There are at most as many threads as the pool has, and one, but for those that are on their way out.
 * 3. None outlives its last call by more than twice `idleTimeout`, and none keeps the process alive.
 */

const { performance, setTimeout } = require('../host.js')
const { LONGEST_TIMER_MS } = require('../options.js')
const { niceness } = require('../pool/index.js')
const { Thread } = require('./thread.js')

class Threads {
  #url
  #pool
  #idleTimeout
  #settings
  /** Those that are not on their way out. @type {Set<Thread>} */
  #all = new Set()
  /** Those without a call: first those that may still be loading, last the one that had the last call. @type {Thread[]} */
  #idle = []
  #isTimed = false

  /**
   * @param {string} url
   * @param {{ pool: any, idleTimeout: number, resourceLimits: any }} options
   */
  constructor(url, { pool, idleTimeout, resourceLimits }) {
    this.#url = url
    this.#pool = pool
    this.#idleTimeout = idleTimeout
    this.#settings = { niceness: pool[niceness], resourceLimits }
  }

  /**
   * Starts the first thread; gives the names of the module's functions.
   * @returns {Promise<string[]>}
   */
  load() {
    return new Promise((resolve, reject) => {
      this.#start({ loaded: resolve, gone: reject }).hold()
    })
  }

  /** A thread for a call. */
  take() {
    if (this.#idle.length === 0) this.#start()
    const thread = /** @type {Thread} */ (this.#idle.pop())
    this.#keepSpare()
    return thread
  }

  /**
   * A thread's call has ended by itself.
   * @param {Thread} thread
   */
  free(thread) {
    // One that has died with its call is not there any more.
    if (!this.#all.has(thread)) return
    thread.since = performance.now()
    this.#idle.push(thread)
    this.#endIdleLater()
  }

  /**
   * A thread's call was stopped.
   * @param {Thread} thread
   * @param {() => void} onEnd called when it is no more
   */
  end(thread, onEnd) {
    this.#all.delete(thread)
    thread.end(onEnd)
    this.#keepSpare()
  }

  #keepSpare() {
    if (this.#idle.length > 0 || this.#all.size > this.#pool.threads) return
    try {
      this.#start()
    } catch {
      // The system gives no thread now; a call that needs one will say so.
    }
  }

  /** @param {import('./thread.js').Owner} [first] who waits for the first of all to be loaded */
  #start(first) {
    /** @type {Thread} */
    const thread = new Thread(this.#url, this.#settings, {
      loaded: (names) => {
        thread.since = performance.now()
        first?.loaded(names)
      },
      gone: (error) => {
        this.#forget(thread)
        if (error !== undefined) first?.gone(error)
      },
    })
    this.#all.add(thread)
    this.#idle.unshift(thread)
    this.#endIdleLater()
    return thread
  }

  /** @param {Thread} thread */
  #forget(thread) {
    this.#all.delete(thread)
    this.#idle = this.#idle.filter((other) => other !== thread)
  }

  /** Ends those that nobody has needed for long: one timer, while there are threads without a call. */
  #endIdleLater() {
    if (this.#isTimed || this.#idleTimeout > LONGEST_TIMER_MS) return
    this.#isTimed = true
    setTimeout(() => {
      this.#isTimed = false
      const until = performance.now() - this.#idleTimeout
      for (const thread of this.#idle.filter(({ isLoaded, since }) => isLoaded && since <= until)) {
        this.#forget(thread)
        thread.end()
      }
      if (this.#idle.length > 0) this.#endIdleLater()
    }, this.#idleTimeout).unref()
  }
}

module.exports = { Threads }
