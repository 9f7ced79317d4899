'use strict'

/**
 * What others may see of tasks: Node's tracing channel, what a request's tasks took, and observers, which metrics are made
 * of. Free while nobody looks.
 */

const { tracingChannel } = require('node:diagnostics_channel')
const { codeOf, factsOf, late } = require('./errors.js')
const { performance, throwApart } = require('./host.js')

/**
 * The option by which a call says where its times are to be added up. A symbol, and so part of what `{ ...options }` copies.
 */
const TIMES = Symbol('heavy-load.times')

/**
 * A task that is under way; `timesSince` gives what it has waited and run by now, in milliseconds, having been called then.
 * @typedef {{ timesSince: (called: number) => [number, number] }} Timed
 */

/** What tasks took, all together, in milliseconds; and whose they are. */
class Times {
  /** Of the request, as the framework has it: `/items/:id`. @type {string | undefined} */
  route = undefined
  /** The options that the request's route gives its tasks, but for the timeout. @type {Readonly<Record<string, unknown>>} */
  given = {}
  /** Refusals that are not counted until whoever called says that it does not try again. @type {WeakMap<object, () => void> | undefined} */
  uncounted = undefined
  /** From the calls to the first instructions. */
  queue = 0
  /** From the first instructions to the ends. */
  run = 0
  /** Those that have not left their threads, though their promises may be settled; and when they were called. @type {Map<Timed, number>} */
  #underWay = new Map()

  /** Of the request. */
  #timeout = Infinity
  #since = 0

  /** Whether there has been a call, whatever has become of it. */
  isCalled = false

  called() {
    this.isCalled = true
    return this
  }

  /**
   * The request has so much time, all its tasks together.
   * @param {number} timeout milliseconds
   * @param {number} since by performance.now()
   */
  limit(timeout, since) {
    this.#timeout = timeout
    this.#since = since
  }

  /**
   * What is left of the request's time, in whole milliseconds: tasks with the same timeout share a timer. Throws once nothing is.
   * @returns {number}
   */
  left() {
    if (this.#timeout === Infinity) return Infinity
    const left = Math.ceil(this.#timeout - (performance.now() - this.#since))
    // Who asks for it may not call anything; who was refused for it has.
    if (left <= 0) throw this.called().overdue()
    return Math.min(left, this.#timeout)
  }

  /** The error of what the request has no more time for. */
  overdue() {
    return late('The request', this.#timeout)
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
    for (const [task, called] of this.#underWay) {
      const [queue, run] = task.timesSince(called)
      sum.queue += queue
      sum.run += run
    }
    return sum
  }
}

/** In the place of Times with the tasks of a `map`, which tries again what was refused. */
class MapTimes {
  /** @type {string | undefined} */
  route
  uncounted = new WeakMap()
  #outer

  /** @param {Times | undefined} outer of the call of `map` */
  constructor(outer) {
    this.#outer = outer
    this.route = outer?.route
  }

  called() {
    this.#outer?.called()
    return this
  }

  left() {
    return this.#outer?.left() ?? Infinity
  }

  overdue() {
    return this.#outer?.overdue()
  }

  /** @param {Timed} task */
  begin(task) {
    this.#outer?.begin(task)
  }

  /**
   * @param {Timed} task
   * @param {number} wait
   * @param {number} run
   */
  end(task, wait, run) {
    this.#outer?.end(task, wait, run)
  }

  /**
   * @param {number} wait
   * @param {number} run
   */
  add(wait, run) {
    this.#outer?.add(wait, run)
  }

  /**
   * Its caller gets this error: if it is a refusal, that is to count.
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
 * Publishes what becomes of a call. `id` distinguishes it from the others of this thread.
 * @template T
 * @param {string} kernel
 * @param {string} pool
 * @param {() => Promise<T>} call
 * @returns {Promise<T>}
 */
function trace(kernel, pool, call) {
  return channel.tracePromise(call, { kernel, pool, id: ++traced })
}

module.exports = { MapTimes, OUTCOMES, TIMES, Times, isTraced, notify, observers, outcomeOf, trace }
