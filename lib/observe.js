'use strict'

/**
 * What others may see of tasks: Node's tracing channel, what a request's tasks took, and observers, which metrics are made
 * of. Free while nobody looks.
 */

const { tracingChannel } = require('node:diagnostics_channel')
const { performance } = require('./host.js')

/**
 * The option by which a call says where its times are to be added up. A symbol, and so part of what `{ ...options }` copies.
 */
const TIMES = Symbol('heavy-load.times')

/**
 * A task that is under way; `waited` gives how long it had waited when it began, or -1 if it has not.
 * @typedef {{ waited: () => number }} Timed
 */

/** What tasks took, all together, in milliseconds. */
class Times {
  /** From the calls to the first instructions. */
  queue = 0
  /** From the first instructions to the ends. */
  run = 0
  /** Those that have not left their threads, though their promises may be settled; and when they were called. @type {Map<Timed, number>} */
  #underWay = new Map()

  /** Whether there has been a call, whatever has become of it. */
  isCalled = false

  called() {
    this.isCalled = true
    return this
  }

  /** @param {Timed} task */
  begin(task) {
    this.#underWay.set(task, performance.now())
  }

  /**
   * @param {Timed} task
   * @param {number} wait
   * @param {number} run
   */
  end(task, wait, run) {
    this.#underWay.delete(task)
    this.add(wait, run)
  }

  /**
   * @param {number} wait
   * @param {number} run
   */
  add(wait, run) {
    this.queue += wait
    this.run += run
  }

  /** Both, up to now of those that are under way. */
  sum() {
    const sum = { queue: this.queue, run: this.run }
    const now = performance.now()
    for (const [task, called] of this.#underWay) {
      const waited = task.waited()
      sum.queue += waited < 0 ? now - called : waited
      if (waited >= 0) sum.run += Math.max(0, now - called - waited)
    }
    return sum
  }
}

/**
 * How a task's promise was settled.
 * @typedef {'completed' | 'failed' | 'cancelled' | 'timed_out' | 'rejected'} Outcome
 */

/**
 * `ended`: a promise was settled; calls that are refused for their arguments are not told. `measured`: a task left its thread;
 * milliseconds, and a run of 0 if it never began. Without a pool it was the AsyncTask form, on libuv's threads.
 * @typedef {{
 *   ended: (pool: import('./pool.js').Pool | undefined, kernel: string, outcome: Outcome) => void,
 *   measured: (pool: import('./pool.js').Pool | undefined, kernel: string, wait: number, run: number) => void,
 * }} Observer
 */

/** @type {Set<Observer>} */
const observers = new Set()

const channel = tracingChannel('heavy-load.task')
let traced = 0

/** Whether anyone has subscribed to the tracing channel. */
function isTraced() {
  const { start, end, asyncStart, asyncEnd, error } = channel
  return (
    start.hasSubscribers ||
    asyncEnd.hasSubscribers ||
    asyncStart.hasSubscribers ||
    error.hasSubscribers ||
    end.hasSubscribers
  )
}

/**
 * Publishes what becomes of a call. `id` tells it from the others of this thread.
 * @template T
 * @param {string} kernel
 * @param {string} pool
 * @param {() => Promise<T>} call
 * @returns {Promise<T>}
 */
function trace(kernel, pool, call) {
  return channel.tracePromise(call, { kernel, pool, id: ++traced })
}

module.exports = { TIMES, Times, isTraced, observers, trace }
