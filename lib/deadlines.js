'use strict'

/**
 * When the time of tasks is over. The engine enforces their deadlines by itself; this is there so that promises reject on time
 * though all threads are busy. Tasks with the same timeout stand in one queue, in the order in which their time will be over, and a
 * queue has one timer, for its first task.
 *
 * Invariants:
 * 1. Nothing expires before its time, by the clock; and at most as much after it as timers are late, and 2 ms.
 * 2. A queue, and its timer, are there only while a task of it is; and the timer never keeps the process alive.
 * 3. The timer has the async context in which the package was loaded, and so none of a caller's.
 */

const { clearTimeout, context, performance, setTimeout } = require('./host.js')
const { LONGEST_TIMER_MS } = require('./options.js')

/** A member of a queue. */
class Limited {
  /** @param {{ expire: () => void }} task */
  constructor(task) {
    this.task = task
    /** @type {Queue | undefined} */
    this.queue = undefined
    /** The millisecond in which its time is over. */
    this.deadline = 0
    /** @type {Limited | undefined} */
    this.before = undefined
    /** @type {Limited | undefined} */
    this.after = undefined
  }
}

class Queue {
  /** @param {number} timeout */
  constructor(timeout) {
    this.timeout = timeout
    /** @type {Limited | undefined} */
    this.first = undefined
    /** @type {Limited | undefined} */
    this.last = undefined
    /** @type {NodeJS.Timeout | undefined} */
    this.timer = undefined
  }
}

/** @type {Map<number, Queue>} */
const queues = new Map()

/**
 * Has `expire` called once so many milliseconds have passed, unless it is released before.
 * @param {Limited} limited in no queue
 * @param {number} timeout
 */
function limit(limited, timeout) {
  // What setTimeout cannot hold is left to the engine.
  if (timeout > LONGEST_TIMER_MS) return
  limited.deadline = Math.ceil(performance.now() + timeout)
  let queue = queues.get(timeout)
  if (queue === undefined) {
    queue = new Queue(timeout)
    queues.set(timeout, queue)
    start(queue, timeout)
  }
  limited.queue = queue
  limited.before = queue.last
  if (queue.last === undefined) queue.first = limited
  else queue.last.after = limited
  queue.last = limited
}

/** @param {Limited} limited */
function release(limited) {
  const { queue, before, after } = limited
  if (queue === undefined) return
  limited.queue = limited.before = limited.after = undefined
  if (before === undefined) queue.first = after
  else before.after = after
  if (after === undefined) queue.last = before
  else after.before = before
  if (queue.first !== undefined) return
  clearTimeout(queue.timer)
  queues.delete(queue.timeout)
}

/**
 * @param {Queue} queue
 * @param {number} delay
 */
function start(queue, delay) {
  queue.timer = context.runInAsyncScope(setTimeout, undefined, expire, delay, queue).unref()
}

/** @param {Queue} queue */
function expire(queue) {
  const now = performance.now()
  // The queue may empty, and go, meanwhile; with what comes then there is another.
  while (queue.first !== undefined && queue.first.deadline <= now) {
    const { task } = queue.first
    release(queue.first)
    task.expire()
  }
  if (queue.first !== undefined) start(queue, queue.first.deadline - now)
}

module.exports = { Limited, limit, release }
