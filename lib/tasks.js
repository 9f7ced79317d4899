'use strict'

/**
 * Tasks on their way: promises are made here, and settled here when the addon's port brings completions.
 *
 * A task has a *slot*, a number that names it to the addon. The slot is free again when the task's completion has arrived,
 * which may be later than its promise was settled: an aborted task's promise rejects at once, its thread is free, and its
 * memory released, about a millisecond later.
 */

const { AsyncResource } = require('node:async_hooks')
const { countReaders, detach, like } = require('./buffers.js')
const { toError } = require('./errors.js')
const { Port, kernelNames } = require('./native.js')
const { observers } = require('./observe.js')
const { LONGEST_TIMER } = require('./options.js')
const progress = require('./progress.js')
const signals = require('./signals.js')

/** Numbers a record has, and the tags; see src/binding/port.rs. */
const RECORD = 5
const TAG_NUMBER = 0
const TAG_DRAIN = 2
/** Completions settled without letting the event loop have a turn: their reactions run before it has. */
const BATCH = 128
/** How long the event loop polls for a completion, at most: about what its being woken would cost. */
const POLL_MS = 0.05
/** Why a task is stopped: the numbers of `Port.stop`. */
const STOP_ABORTED = 0
const STOP_TIMED_OUT = 1
const STOP_CLOSED = 2

/**
 * What has to know when a task ends: the task's pool.
 * @typedef {{ pool: import('./pool.js').Pool, taskStarted: () => void, taskEnded: () => void }} Owner
 */

/** How a promise was settled that rejected with one of these; with any other, its task has failed. */
/** @type {Record<string, import('./observe.js').Outcome>} */
const OUTCOMES = {
  ABORT_ERR: 'cancelled',
  ERR_POOL_CLOSED: 'cancelled',
  ERR_POOL_OVERLOADED: 'rejected',
  ERR_TASK_TIMEOUT: 'timed_out',
}
const KERNELS = kernelNames()

/** @type {(Task | undefined)[]} */
const slots = []
/** @type {number[]} */
const freeSlots = []
const records = new Float64Array(RECORD * BATCH)
/** @type {Map<number, () => void>} */
const drainListeners = new Map()
const port = new Port(onWake, detach)
const drain = port.drain
/** Pool tasks whose completion has not arrived. */
let inFlight = 0
let polling = false
let pollUntil = 0
let pollsInVain = 0
let pollsToSkip = 0
/** Milliseconds from call to end of the task that ended last. */
let lastSojourn = 0

// libuv waits for its threads before the process exits: what they run has to stop first.
process.once('exit', () => port.close())

/** What only some tasks have: those without it are small, of which there may be very many. */
class Extras {
  /** @param {import('./observe.js').Times | undefined} times */
  constructor(times) {
    this.times = times
    /** @type {AbortSignal | undefined} */
    this.signal = undefined
    /** @type {NodeJS.Timeout | undefined} */
    this.timer = undefined
    /** @type {((fraction: number) => void) | undefined} */
    this.onProgress = undefined
    /** @type {AsyncResource | undefined} */
    this.context = undefined
    this.reported = -1
  }
}

/** A task whose completion has not arrived. */
class Task {
  /**
   * @param {(value: any) => void} resolve
   * @param {(error: any) => void} reject
   * @param {Owner | undefined} owner
   * @param {import('./buffers.js').Given | undefined} given held from here on, since getters of the caller's run in between
   * @param {number} kernel
   */
  constructor(resolve, reject, owner, given, kernel) {
    this.slot = freeSlots.pop() ?? slots.length
    this.kernel = kernel
    this.resolve = resolve
    this.reject = reject
    this.owner = owner
    this.settled = false
    this.given = given
    /** @type {Extras | undefined} */
    this.extras = undefined
    if (given?.frozen !== undefined) countReaders(given.frozen, 1)
    slots[this.slot] = this
    if (owner !== undefined) {
      inFlight++
      owner.taskStarted()
    }
  }

  /**
   * The task is on its way: listens to what may stop it, and for its progress.
   * @param {import('./options.js').Settings} settings
   */
  began({ signal, timeout, onProgress, times }) {
    const extras = new Extras(times)
    this.extras = extras
    if (this.settled) {
      // Stopped by a getter of the caller's, before there was anything to stop.
      port.stop(this.slot, STOP_ABORTED)
      return
    }
    if (signal !== undefined) {
      try {
        signals.watch(signal, this)
      } catch (error) {
        // A signal of somebody else's make.
        this.abandon(error)
        return
      }
      extras.signal = signal
      if (signal.aborted) {
        this.abort(signal.reason)
        return
      }
    }
    // Longer ones are the engine's alone.
    if (timeout <= LONGEST_TIMER) {
      extras.timer = setTimeout(() => this.stop(STOP_TIMED_OUT), timeout).unref()
    }
    if (onProgress !== undefined) {
      extras.onProgress = onProgress
      extras.context = new AsyncResource('heavy-load.task')
      progress.watch(this)
    }
  }

  /** @param {unknown} reason */
  abort(reason) {
    this.stop(STOP_ABORTED, { cause: reason })
  }

  /**
   * Rejects now; the thread follows.
   * @param {number} why
   * @param {ErrorOptions} [options]
   */
  stop(why, options) {
    if (this.settled) return
    const failure = port.stop(this.slot, why)
    this.settle(why === STOP_TIMED_OUT ? 'timed_out' : 'cancelled')
    this.reject(toError(failure, options))
  }

  /** Calls `onProgress`, in the caller's async context, if there is progress. */
  report(fraction = port.progress(this.slot)) {
    const extras = /** @type {Extras} */ (this.extras)
    if (fraction <= extras.reported) return
    extras.reported = fraction
    try {
      extras.context?.runInAsyncScope(/** @type {any} */ (extras.onProgress), undefined, fraction)
    } catch (error) {
      this.abandon(error)
    }
  }

  /**
   * Rejects with an error of the caller's own code; the work stops.
   * @param {unknown} error
   */
  abandon(error) {
    if (this.settled) return
    port.stop(this.slot, STOP_ABORTED)
    this.settle('cancelled')
    this.reject(error)
  }

  /**
   * From here on nothing may settle the promise but the caller of this.
   * @param {import('./observe.js').Outcome | undefined} outcome none if the call is to count nowhere
   */
  settle(outcome) {
    this.settled = true
    if (outcome !== undefined && observers.size !== 0) {
      for (const observer of observers) observer.ended(this.owner?.pool, KERNELS[this.kernel], outcome)
    }
    if (this.extras === undefined) return
    const { signal, timer, onProgress } = this.extras
    if (signal !== undefined) signals.unwatch(signal, this)
    if (timer !== undefined) clearTimeout(timer)
    if (onProgress !== undefined) progress.unwatch(this)
  }

  /**
   * The result has arrived.
   * @param {any} value
   */
  succeed(value) {
    // The callback may stop the task yet, or throw, which does.
    if (!this.settled && this.extras?.onProgress !== undefined) this.report(1)
    this.release()
    if (!this.settled) {
      this.settle('completed')
      this.resolve(this.given === undefined ? value : like(this.given, value))
    }
    this.leave()
  }

  /**
   * The task has failed.
   * @param {any} failure
   */
  fail(failure) {
    this.#end(toError(failure), OUTCOMES[failure?.code] ?? 'failed')
  }

  /**
   * The task was not taken: its arguments are wrong, or there is no place for it.
   * @param {any} failure
   */
  refuse(failure) {
    const outcome = OUTCOMES[failure?.code]
    this.#end(toError(failure), outcome === 'rejected' ? outcome : undefined)
  }

  /**
   * @param {any} error
   * @param {import('./observe.js').Outcome | undefined} outcome
   */
  #end(error, outcome) {
    this.release()
    if (!this.settled) {
      this.settle(outcome)
      this.reject(error)
    }
    this.leave()
  }

  /**
   * The task has left its thread, before which its promise may have been settled.
   * @param {number} wait milliseconds from the call to the first instruction
   * @param {number} run from there to the end
   */
  measured(wait, run) {
    this.extras?.times?.add(wait, run)
    for (const observer of observers) observer.measured(this.owner?.pool, KERNELS[this.kernel], wait, run)
  }

  /** Gives the slot and the input back, before the promise settles: who awaits it may thaw what the task has read. */
  release() {
    slots[this.slot] = undefined
    freeSlots.push(this.slot)
    if (this.given?.frozen !== undefined) countReaders(this.given.frozen, -1)
  }

  /** Tells the owner, after the promise has settled: who awaits that the pool is closed hears of the task first. */
  leave() {
    if (this.owner === undefined) return
    inFlight--
    this.owner.taskEnded()
  }
}

/**
 * The task that has a slot.
 * @param {number} slot
 */
function taskAt(slot) {
  return slots[slot]
}

/**
 * Stops every task of an owner.
 * @param {Owner} owner
 * @param {number} why
 */
function stopAll(owner, why) {
  for (const task of slots) {
    if (task?.owner === owner) task.stop(why)
  }
}

/** Settles what has completed. Called by the port when it is woken; does not throw. */
function onWake() {
  // A full batch: there may be more, but I/O has its turn first.
  if (settleBatch(polling) === BATCH && !polling) setImmediate(onWake)
}

/**
 * Whether a task that is submitted now may be polled for. A wake-up of a sleeping event loop costs more than a short task
 * takes. So while the tasks that end are short, and a thread is awake that takes the next one up at once, whoever submits it
 * polls: the event loop turns without sleeping, I/O included, for as long as such a task takes to come back. Ski rental: at
 * worst this costs about what the wake-up would have. Where it is in vain it is tried more and more rarely.
 */
function mayPoll() {
  if (polling || lastSojourn > POLL_MS) return false
  if (pollsToSkip === 0) return true
  pollsToSkip--
  return false
}

/** The port stays awake until this has ended. */
function startPolling() {
  polling = true
  pollUntil = 0
  setImmediate(poll)
}

function poll() {
  if (settleBatch(true) > 0) {
    pollsInVain = 0
    pollUntil = 0
    polling = inFlight > 0
  } else {
    const now = performance.now()
    if (pollUntil === 0) pollUntil = now + POLL_MS
    polling = now < pollUntil
    if (!polling) pollsToSkip = 2 ** Math.min(++pollsInVain, 6)
  }
  if (polling) setImmediate(poll)
  else onWake()
}

/**
 * @param {boolean} stay whether the port is to stay awake
 * @returns {number} how many records there were
 */
function settleBatch(stay) {
  const count = drain(records, stay)
  for (let at = 0; at < count * RECORD; at += RECORD) {
    if (records[at + 1] === TAG_DRAIN) {
      drainListeners.get(records[at])?.()
      continue
    }
    const task = /** @type {Task} */ (slots[records[at]])
    const wait = records[at + 3]
    const run = records[at + 4]
    lastSojourn = wait + run
    if (task.extras?.times !== undefined || observers.size !== 0) task.measured(wait, run)
    if (records[at + 1] === TAG_NUMBER) {
      task.succeed(records[at + 2])
      continue
    }
    let value
    try {
      value = port.take(task.slot)
    } catch (failure) {
      task.fail(failure)
      continue
    }
    task.succeed(value)
  }
  return count
}

module.exports = { STOP_CLOSED, Task, drainListeners, mayPoll, port, startPolling, stopAll, taskAt }
