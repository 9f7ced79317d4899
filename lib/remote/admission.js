'use strict'

/** Which tasks are let in: by what waits in the queue, whoever has put it there, and how fast the workers are. */

const { Speed } = require('./workers.js')

/** Predictions are that much too short, now and then: the queue is looked at twice a second, and tasks differ. */
const MARGIN = 1.15
/** How much of the mean of tasks' times the last one makes. */
const NEWEST = 1 / 16
/** The longest Retry-After, in seconds. */
const LONGEST_RETRY_S = 60

/**
 * @typedef {import('./workers.js').View} View
 * @typedef {{ called: number, settings: import('../options.js').Settings }} Waiting
 */

class Admission {
  #speed = new Speed()
  /** Milliseconds that our own tasks ran lately. @type {number | undefined} */
  #run
  /** What was seen last. @type {View | undefined} */
  #view
  /** Our own tasks that no worker had then, by class. */
  #then = [0, 0, 0]
  /** And now. */
  #now = [0, 0, 0]

  /** Threads that the workers have, and jobs for which they have room at once. */
  threads = 0
  #places = 0

  /** What was seen of the workers last; none before the first look. */
  get view() {
    return this.#view
  }

  /** Our own tasks that no worker has. */
  get queued() {
    return this.#now[0] + this.#now[1] + this.#now[2]
  }

  /**
   * A task has come to wait, or does not any more.
   * @param {number} priority its class
   * @param {1 | -1} change
   */
  count(priority, change) {
    this.#now[priority] += change
  }

  /** @param {number} run milliseconds that a task of ours ran */
  ended(run) {
    this.#run = this.#run === undefined ? run : this.#run + (run - this.#run) * NEWEST
  }

  /** @param {View} view */
  see(view) {
    this.#speed.learn(view)
    this.#view = view
    this.#then = [...this.#now]
    this.threads = 0
    this.#places = 0
    for (const { threads, concurrency } of view.workers.values()) {
      this.threads += threads
      this.#places += concurrency
    }
  }

  /**
   * Seconds until a task that comes now might be done in its time; undefined if it may be let in, for all that is known.
   * @param {import('../options.js').Settings} settings
   */
  refusal({ priority, timeout }) {
    if (timeout === Infinity || this.#view === undefined) return undefined
    const ahead = this.#ahead(priority + 1)
    // Workers that take it at once, or next, know best themselves.
    if (ahead < 1 || ahead + this.#view.active < this.#places) return undefined
    const done = this.#until(ahead)
    return done === undefined || done * MARGIN <= timeout ? undefined : retryAfter(done - timeout)
  }

  /**
   * Seconds until a queue of our own tasks that is full has room again, about.
   * @param {number} maxQueue
   */
  untilRoom(maxQueue) {
    const speed = this.#perSecond
    return speed === undefined ? 1 : retryAfter(((this.queued + 1 - maxQueue) / speed) * 1e3)
  }

  /**
   * Which of the tasks that wait cannot be done in time any more, and the seconds by which they are late.
   * @template {Waiting} Task
   * @param {Task[]} tasks in the order in which they came
   * @param {number} now
   * @returns {{ task: Task, retryAfter: number }[]}
   */
  late(tasks, now) {
    const view = /** @type {View} */ (this.#view)
    const found = []
    for (const priority of [0, 1, 2]) {
      const own = tasks.filter(({ settings }) => settings.priority === priority)
      const above = this.#ahead(priority)
      // Those of other callers stand between ours, evenly for all we know.
      const each = Math.max(1, view.waiting[priority] / own.length)
      let kept = 0
      for (const task of own) {
        const done = this.#until(above + kept * each)
        if (done === undefined) return []
        const left = task.settings.timeout - (now - task.called)
        if (done <= left || above + kept < 1 || above + kept + view.active < this.#places) kept++
        else found.push({ task, retryAfter: retryAfter(done - left) })
      }
    }
    return found
  }

  /**
   * Jobs that wait in the classes before this one: as they were seen, and as our own have come and gone since.
   * @param {number} classes
   */
  #ahead(classes) {
    const { waiting } = /** @type {View} */ (this.#view)
    let sum = 0
    for (let number = 0; number < classes; number++) {
      sum += Math.max(0, waiting[number] + this.#now[number] - this.#then[number])
    }
    return sum
  }

  /** Jobs a second. Until that was measured, what there would be if each of them took one thread, which is the most. */
  get #perSecond() {
    // With nobody there it is not known how long it will be: somebody may come.
    if (this.threads === 0) return undefined
    return this.#speed.value ?? (this.#run ? (this.threads / this.#run) * 1e3 : undefined)
  }

  /**
   * Milliseconds until a job is done that has so many before it in the queue; undefined if that is not known.
   * @param {number} ahead
   */
  #until(ahead) {
    const speed = this.#perSecond
    return speed === undefined ? undefined : ((ahead + /** @type {View} */ (this.#view).active + 1) / speed) * 1e3
  }
}

/** @param {number} ms */
function retryAfter(ms) {
  return Math.min(LONGEST_RETRY_S, Math.max(0.001, ms / 1e3))
}

module.exports = { Admission }
