'use strict'

/** What others may see of tasks: Node's tracing channel, and observers, which metrics are made of. Free while nobody looks. */

const { codeOf, factsOf } = require('./errors.js')
const { throwApart } = require('./host.js')

/**
 * The option by which a call says where its times (times.js) are to be added up. A symbol, and so part of what `{ ...options }` copies.
 */
const TIMES = Symbol('heavy-load.times')

/** How a task's promise may be settled. */
const OUTCOMES = /** @type {const} */ (['completed', 'failed', 'cancelled', 'timed_out', 'rejected'])
/** @typedef {typeof OUTCOMES[number]} Outcome */

/**
 * How a promise was settled that rejected with this.
 * @param {unknown} error
 * @returns {Outcome}
 */
function outcomeOf(error) {
  return factsOf(codeOf(error))?.outcome ?? 'failed'
}

/**
 * `ended`: a promise was settled; calls that are refused for their arguments are not reported. `measured`: a task left its thread;
 * milliseconds, and a run of 0 if it never began. Without a pool it was the AsyncTask form, on libuv's threads; `route` is that
 * of the request for which it was called, where that is known.
 * @typedef {{
 *   ended: (pool: any, kernel: string, outcome: Outcome, route?: string) => void,
 *   measured: (pool: any, kernel: string, wait: number, run: number, route?: string) => void,
 * }} Observer
 */

/** @type {Set<Observer>} */
const observers = new Set()

/**
 * Notifies all observers. What they throw becomes an uncaught exception, apart from what is under way.
 * @param {(observer: Observer) => void} say
 */
function notify(say) {
  for (const observer of observers) {
    try {
      say(observer)
    } catch (error) {
      throwApart(error)
    }
  }
}

/** Made with the first task: it takes long. @type {ReturnType<typeof import('node:diagnostics_channel').tracingChannel> | undefined} */
let channel
let traced = 0

function tracing() {
  channel ??= require('node:diagnostics_channel').tracingChannel('heavy-load.task')
  return channel
}

/** Whether anyone has subscribed to the tracing channel. */
function isTraced() {
  const { start, end, asyncStart, asyncEnd, error } = tracing()
  return (
    start.hasSubscribers ||
    asyncEnd.hasSubscribers ||
    asyncStart.hasSubscribers ||
    error.hasSubscribers ||
    end.hasSubscribers
  )
}

/**
 * Publishes what becomes of a call. `id` distinguishes it from the others of this thread.
 * @template T
 * @param {string} kernel
 * @param {string} pool
 * @param {() => Promise<T>} call
 * @returns {Promise<T>}
 */
function trace(kernel, pool, call) {
  return tracing().tracePromise(call, { kernel, pool, id: ++traced })
}

module.exports = { OUTCOMES, TIMES, isTraced, notify, observers, outcomeOf, trace }
