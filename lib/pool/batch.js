'use strict'

/**
 * Tasks gathered, to be submitted by one call of the addon. While many are in flight, those that say nothing of themselves wait
 * until there are enough of them, or for the end of the microtasks: as small segments do in Nagle's algorithm (RFC 896). Who blocks
 * the event loop meanwhile delays these few, and the results of all.
 */

const { INTEGERS_UP_TO } = require('../catalog.js')
const { constants } = require('../native.js')
const { then } = require('../errors.js')
const { resolved } = require('../host.js')
const { TYPED_ARRAYS } = require('../views.js')
const { taskAt } = require('./instance.js')

/** Tasks in flight from which on others are gathered: most likely the threads have enough to do until these are flushed. */
const IN_FLIGHT = 64
const MOST_TASKS = 32
/** Where a record has what, and how many numbers it has. */
const { kernel: KERNEL, slot: SLOT, input: INPUT, length: RECORD } = constants.batch

/** The class that it is now: what is given to the addon is of it. */
const Records = /** @type {Float64ArrayConstructor} */ (TYPED_ARRAYS.Float64Array)

class Batch {
  #records = new Records(RECORD * MOST_TASKS)
  #count = 0
  #flush = () => this.flush()
  #submitAll
  #submit
  #maxQueue

  /**
   * @param {(records: Float64Array, count: number) => number} submitAll gives how many were taken
   * @param {(task: import('./task.js').Task, input: number) => void} submit for one that was not
   * @param {number} maxQueue the pool's
   */
  constructor(submitAll, submit, maxQueue) {
    this.#submitAll = submitAll
    this.#submit = submit
    this.#maxQueue = maxQueue
  }

  /**
   * Whether a task may wait to be submitted. One that may be refused must not, because its error is to show the caller.
   * @param {number} inFlight the pool's tasks
   * @param {number} kernel
   * @param {any} input
   */
  mayAdd(inFlight, kernel, input) {
    return (
      inFlight > IN_FLIGHT &&
      inFlight <= this.#maxQueue &&
      Number.isInteger(input) &&
      input >= 0 &&
      input <= INTEGERS_UP_TO[kernel]
    )
  }

  /**
   * @param {import('./task.js').Task} task
   * @param {number} input
   */
  add(task, input) {
    const at = RECORD * this.#count++
    this.#records[at + KERNEL] = task.kernel
    this.#records[at + SLOT] = task.slot
    this.#records[at + INPUT] = input
    if (this.#count === MOST_TASKS) this.flush()
    else if (this.#count === 1) then(resolved, this.#flush)
  }

  /** Submits what has been gathered. Whatever else is asked of the pool comes after this. */
  flush() {
    const count = this.#count
    if (count === 0) return
    this.#count = 0
    const taken = this.#submitAll(this.#records, count)
    if (taken === count) return
    // Other threads of JavaScript have filled the pool.
    const records = this.#records
    this.#records = new Records(RECORD * MOST_TASKS)
    for (let at = RECORD * taken; at < RECORD * count; at += RECORD) {
      this.#submit(taskAt(records[at + SLOT]), records[at + INPUT])
    }
  }
}

module.exports = { Batch }
