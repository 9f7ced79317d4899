'use strict'

/** What the tasks of a request took, and what is left of its time. */

const { late } = require('./errors.js')
const { performance } = require('./host.js')

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

module.exports = { MapTimes, Times }
