'use strict'

/**
 * What others may see of tasks: Node's tracing channel, what a request's tasks took, and observers, which metrics are made
 * of. Free while nobody looks.
 */

const { tracingChannel } = require('node:diagnostics_channel')

/**
 * The option by which a call says where its times are to be added up. A symbol, and so part of what `{ ...options }` copies.
 */
const TIMES = Symbol('heavy-load.times')

/** What tasks took, all together, in milliseconds. */
class Times {
  tasks = 0
  /** From the calls to the first instructions. */
  queue = 0
  /** From the first instructions to the ends. */
  run = 0

  /**
   * @param {number} wait
   * @param {number} run
   */
  add(wait, run) {
    this.tasks++
    this.queue += wait
    this.run += run
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
