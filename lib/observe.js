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

/** What tasks took, all together, in milliseconds; and whose they are. */
class Times {
  /** Of the request, as the framework has it: `/items/:id`. @type {string | undefined} */
  route = undefined
  /** Refusals that are not counted until whoever called says that it does not try again. @type {WeakMap<object, () => void> | undefined} */
  uncounted = undefined
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

/** Those of the tasks of a `map`, which tries again what was refused. */
class MapTimes extends Times {
  uncounted = new WeakMap()
  #outer

  /** @param {Times | undefined} outer of the call of `map` */
  constructor(outer) {
    super()
    this.#outer = outer
    this.route = outer?.route
  }

  /**
   * @param {number} wait
   * @param {number} run
   */
  add(wait, run) {
    this.#outer?.add(wait, run)
  }

  /**
   * Its caller is told of this error: if it is a refusal, that is to count.
   * @param {any} error
   */
  passOn(error) {
    this.uncounted.get(error)?.()
    this.uncounted.delete(error)
  }
}

/** How a task's promise may be settled. */
const OUTCOMES = /** @type {const} */ (['completed', 'failed', 'cancelled', 'timed_out', 'rejected'])
/** @typedef {typeof OUTCOMES[number]} Outcome */

/**
 * `ended`: a promise was settled; calls that are refused for their arguments are not told. `measured`: a task left its thread;
 * milliseconds, and a run of 0 if it never began. Without a pool it was the AsyncTask form, on libuv's threads; `route` is that
 * of the request for which it was called, where that is known.
 * @typedef {{
 *   ended: (pool: any, kernel: string, outcome: Outcome, route?: string) => void,
 *   measured: (pool: any, kernel: string, wait: number, run: number, route?: string) => void,
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

module.exports = { MapTimes, OUTCOMES, TIMES, Times, isTraced, observers, trace }
