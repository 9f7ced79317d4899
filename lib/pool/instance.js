'use strict'

/**
 * The border to the addon: the slots by which tasks are named there, and the loop that settles what has completed.
 *
 * A task has a *slot*, a number that names it to the addon. The slot is free again when the task's completion has arrived,
 * which may be later than its promise was settled: an aborted task's promise rejects at once, its thread is free, and its
 * memory released, about a millisecond later.
 *
 * The caller's code may have changed what arrays inherit, so that nothing of the slots is left to their methods or prototypes. The addon
 * refuses a slot that is in flight all the same.
 */

const { setImmediate, throwApart } = require('../host.js')
const { Instance, constants } = require('../native.js')
const { observers } = require('../observe.js')
const { Polling } = require('./polling.js')

/** Where a record has what, and how many numbers it has. */
const { slot: SLOT, tag: TAG, value: VALUE, wait: WAIT, run: RUN, length: RECORD } = constants.record
/** Begun: the turn of an external task has come. Stopped: this and the number of the reason. */
const {
  number: TAG_NUMBER,
  held: TAG_HELD,
  drained: TAG_DRAINED,
  begun: TAG_BEGUN,
  stopped: TAG_STOPPED,
} = constants.tag
/** Completions settled without letting the event loop have a turn: their reactions run before it has. */
const BATCH = 128

/** @typedef {import('./task.js').Task} Task */

/** By slot: the task, or of a free slot the one that was freed before it. @type {(Task | number)[]} */
const slots = Object.setPrototypeOf([], null)
/** The slot that was freed last. */
let free = -1
const records = new Float64Array(RECORD * BATCH)
/** By a pool's number. */
/** @type {Map<number, () => void>} */
const drainListeners = new Map()
const instance = new Instance(onWake, detach)
const drain = instance.drain
const polling = new Polling(settleBatch, onWake)

/**
 * Loaded by then: what is detached has been looked at there. The addon does not keep this function alive; that it is exported does.
 * @param {any} view
 * @param {number} argument
 */
function detach(view, argument) {
  return require('../buffers.js').detach(view, argument)
}

/**
 * Gives a task a slot.
 * @param {Task} task
 * @returns {number}
 */
function enter(task) {
  const slot = free === -1 ? slots.length : free
  if (free !== -1) free = /** @type {number} */ (slots[free])
  slots[slot] = task
  if (task.owner !== undefined) polling.inFlight++
  return slot
}

/**
 * The task's completion has arrived: its slot is free.
 * @param {Task} task
 * @returns {boolean} whether it had not left before
 */
function leave(task) {
  const { slot, owner } = task
  if (slots[slot] !== task) return false
  slots[slot] = free
  free = slot
  if (owner !== undefined) polling.inFlight--
  return true
}

/**
 * The task that has a slot.
 * @param {number} slot
 */
function taskAt(slot) {
  return /** @type {Task} */ (slots[slot])
}

/**
 * Stops every task of an owner.
 * @param {import('./task.js').Owner} owner
 * @param {number} why
 */
function stopAll(owner, why) {
  // Those that wait before those that they wait for: what has a thread leaves it to nobody.
  for (const isQueued of [true, false]) {
    for (let slot = slots.length - 1; slot >= 0; slot--) {
      const task = slots[slot]
      if (typeof task === 'number' || task.owner !== owner) continue
      try {
        if (isQueued) task.cutQueued(why)
        else task.cut(why)
      } catch (error) {
        // The caller's code amid ours: the others are to stop, too.
        throwApart(error)
      }
    }
  }
}

/** Settles what has completed. Called by the instance when it is woken; does not throw. */
function onWake() {
  if (settleBatch(polling.isOn) < BATCH || polling.isOn) return
  // There may be more, but I/O has its turn first.
  if (polling.hasImmediate) setImmediate(onWake)
  else instance.knock()
}

/**
 * @param {boolean} stay whether the instance is to stay awake
 * @returns {number} how many records there were
 */
function settleBatch(stay) {
  const count = drain(records, stay)
  for (let at = 0; at < count * RECORD; at += RECORD) {
    const slot = records[at + SLOT]
    const tag = records[at + TAG]
    if (tag === TAG_DRAINED) drainListeners.get(slot)?.()
    else if (tag === TAG_BEGUN) /** @type {import('./external.js').External} */ (slots[slot]).begin()
    else settle(slot, tag, records[at + VALUE], records[at + WAIT], records[at + RUN])
  }
  return count
}

/**
 * @param {number} slot
 * @param {number} tag
 * @param {number} value
 * @param {number} wait
 * @param {number} run
 */
function settle(slot, tag, value, wait, run) {
  const task = slots[slot]
  // Released before its time, by code that has come to have it.
  if (typeof task !== 'object') return
  if (task.owner !== undefined) polling.lastSojourn = wait + run
  const feed = task.attachments?.feed
  if (feed !== undefined) {
    if (tag === TAG_NUMBER && !feed.isLast && !task.settled) {
      feed.goOn(wait, run)
      return
    }
    feed.measured(wait, run)
    wait = feed.waited
    run = feed.ran
  }
  try {
    if (tag === TAG_NUMBER) task.succeed(value)
    else if (tag === TAG_HELD) task.collect()
    else if (!task.settled) task.rejectAsStopped(tag - TAG_STOPPED, wait, run > 0 ? run : undefined)
    if (task.attachments?.times !== undefined || observers.size !== 0) task.recordTimes(wait, run)
  } catch (error) {
    throwApart(error)
  } finally {
    task.release()
  }
}

module.exports = { detach, drainListeners, enter, leave, polling, instance, stopAll, taskAt }
