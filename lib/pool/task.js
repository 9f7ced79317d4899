'use strict'

/** A task's life: its promise is made with it and settled here, by whatever comes first. */

const { asBuffer, countReaders } = require('../buffers.js')
const { NAMES } = require('../catalog.js')
const { constants } = require('../native.js')
const deadlines = require('../deadlines.js')
const { enter, leave, instance } = require('./instance.js')
const { aborted, codeOf, isTimeout, poolWasClosed, rejectLate, timedOut, toError } = require('../errors.js')
const { Context, performance, throwApart } = require('../host.js')
const { notify, observers, outcomeOf } = require('../observe.js')
const { adopt } = require('../realm.js')
const signals = require('../signals.js')

/** Why a task is stopped. */
const { aborted: STOP_ABORTED, timedOut: STOP_TIMED_OUT, closed: STOP_CLOSED } = constants.stop
/** How a promise was settled: its place in the counts of its pool. */
const {
  completed: COMPLETED,
  failed: FAILED,
  cancelled: CANCELLED,
  timedOut: TIMED_OUT,
  rejected: REJECTED,
} = constants.count
/** Its kernel panicked before the pool had taken it. */
const NEVER_TAKEN = constants.count.neverTaken
/** Refused before the pool had taken it. */
const REFUSED = constants.count.refused
/** It had been taken, and is tried again: an end that is reported to no caller. */
const TRIED_AGAIN = constants.count.triedAgain
/** Where an outcome of tasks that the pool had taken is counted. */
const COUNT_OF = {
  completed: COMPLETED,
  failed: FAILED,
  cancelled: CANCELLED,
  timed_out: TIMED_OUT,
  rejected: REJECTED,
}
/**
 * What observers are given for each place.
 * @type {Record<number, import('../observe.js').Outcome>}
 */
const REPORTED = {
  [COMPLETED]: 'completed',
  [FAILED]: 'failed',
  [CANCELLED]: 'cancelled',
  [TIMED_OUT]: 'timed_out',
  [REJECTED]: 'rejected',
  [NEVER_TAKEN]: 'failed',
  [REFUSED]: 'rejected',
}

/**
 * What has to know when a task ends: the task's pool. `counts` has a number for each outcome that counts as an end.
 * @typedef {{ pool: import('./index.js').Pool, counts: Float64Array, taskStarted: () => void, taskEnded: () => void }} Owner
 */

/** What only some tasks have: those without it are small, of which there may be very many. */
class Attachments extends deadlines.Limited {
  /**
   * @param {Task} task
   * @param {import('../times.js').Times | undefined} times
   */
  constructor(task, times) {
    super(task)
    this.times = times
    this.timeout = Infinity
    /** @type {signals.Signals | undefined} */
    this.signal = undefined
    /** @type {((fraction: number) => void) | undefined} */
    this.onProgress = undefined
    /** @type {Context | undefined} */
    this.context = undefined
    this.reported = -1
    this.succeeded = false
    /** @type {import('./feed.js').Feed | undefined} */
    this.feed = undefined
  }
}

/** A task whose completion has not arrived. */
class Task {
  /**
   * @param {(value: any) => void} resolve
   * @param {(error: any) => void} reject
   * @param {Owner | undefined} owner
   * @param {import('../buffers.js').Given | undefined} given held from here on, since getters of the caller's run in between
   * @param {number} kernel
   */
  constructor(resolve, reject, owner, given, kernel) {
    this.kernel = kernel
    this.resolve = resolve
    this.reject = reject
    this.owner = owner
    this.settled = false
    /** What is needed of the input at the end: not the view, which may be the caller's own. */
    this.frozen = given?.frozen
    this.gaveBuffer = given?.isBuffer === true
    /** Whether the addon has it. Getters of the caller's run before that, of calls with options. */
    this.submitted = given === undefined
    /** @type {Attachments | undefined} */
    this.attachments = undefined
    if (this.frozen !== undefined) countReaders(this.frozen, 1)
    this.slot = enter(this)
    owner?.taskStarted()
  }

  /** For errors and metrics. */
  get name() {
    return NAMES[this.kernel]
  }

  /**
   * The task is on its way: listens to what may stop it, and for its progress.
   * @param {import('../options.js').Settings} settings
   * @param {boolean} foreign whether the caller's code may have run since the signal was looked at
   * @param {import('./feed.js').Feed} [feed] of a task whose input is a stream; its first piece is on its way
   */
  arm({ signal, timeout, onProgress, times }, foreign, feed) {
    const attachments = new Attachments(this, times)
    attachments.timeout = timeout
    attachments.feed = feed
    this.attachments = attachments
    this.submitted = true
    times?.begin(this)
    if (this.settled) {
      // Stopped by a getter of the caller's, before there was anything to stop.
      instance.stop(this.slot, STOP_ABORTED)
      return
    }
    try {
      if (signal !== undefined) {
        signals.watch(signal, this)
        attachments.signal = signal
        const meanwhile = foreign || !signals.isOwn(signal) ? signals.whichAborted(signal) : undefined
        if (meanwhile !== undefined) this.abort(meanwhile.reason)
      }
    } catch (error) {
      // A signal that is not Node's own.
      this.abandon(error)
    }
    if (this.settled) {
      // By code of the signal's, which may have stopped it before all of this was there to be taken down.
      this.#disarm()
      return
    }
    if (timeout !== Infinity) deadlines.limit(attachments, timeout)
    if (onProgress !== undefined) {
      attachments.onProgress = onProgress
      attachments.context = new Context('heavy-load.task')
      // Both now: what is asked for at the end must not have to be loaded then.
      require('../reporting.js')
      const { watch } = require('./progress.js')
      // Nobody knows how much a stream will give.
      if (feed === undefined) watch(this)
    }
    feed?.begin()
  }

  /** @param {unknown} reason */
  abort(reason) {
    if (this.settled) return
    const inTime = this.#stop(STOP_ABORTED)
    // The time of AbortSignal.timeout() is over only for what was not done in it.
    if (!inTime || !isTimeout(reason)) this.rejectLate(() => aborted(reason), CANCELLED)
  }

  /**
   * What it has waited and run by now, in milliseconds, having been called then.
   * @param {number} called
   * @returns {[number, number]}
   */
  timesSince(called) {
    const waited = instance.waited(this.slot)
    const feed = this.attachments?.feed
    if (feed !== undefined) return feed.times(waited)
    const all = performance.now() - called
    return waited < 0 ? [all, 0] : [waited, Math.max(0, all - waited)]
  }

  /** The task's time is over. */
  expire() {
    const { feed } = /** @type {Attachments} */ (this.attachments)
    const waited = instance.waited(this.slot)
    if (feed !== undefined) this.cut(STOP_TIMED_OUT, ...feed.times(waited))
    else if (waited < 0) this.cut(STOP_TIMED_OUT, this.#age())
    else this.cut(STOP_TIMED_OUT, waited, this.#age() - waited)
  }

  /** Milliseconds since the call, of a task with a timeout. */
  #age() {
    const { deadline, timeout } = /** @type {Attachments} */ (this.attachments)
    return performance.now() - deadline + timeout
  }

  /**
   * Stops the work.
   * @param {number} why
   * @returns {boolean} whether all of it had ended by then, and only the record of that has not been drained
   */
  #stop(why) {
    const ended = !instance.stop(this.slot, why)
    return ended && this.submitted && this.attachments?.feed?.isLast !== false
  }

  /**
   * Rejects now, and the thread follows; unless the task has ended, and the event loop has only not heard of it yet.
   * @param {number} why
   * @param {number} [waited] as `rejectAsStopped`
   * @param {number} [ran]
   */
  cut(why, waited, ran) {
    if (this.settled) return
    if (!this.#stop(why)) this.rejectAsStopped(why, waited, ran)
  }

  /**
   * As `cut`, if it has not begun.
   * @param {number} why
   */
  cutQueued(why) {
    if (!this.settled && this.submitted && instance.stopQueued(this.slot, why)) this.rejectAsStopped(why)
  }

  /**
   * @param {number} why
   * @param {number} [waited] milliseconds
   * @param {number} [ran] milliseconds; none if it never began
   */
  rejectAsStopped(why, waited = 0, ran) {
    if (why === STOP_TIMED_OUT) {
      const { feed, timeout } = /** @type {Attachments} */ (this.attachments)
      const idle = feed === undefined ? 0 : this.#age() - waited - (ran ?? 0)
      this.rejectLate(() => timedOut(this.name, timeout, waited, ran, idle), TIMED_OUT)
    } else this.rejectLate(why === STOP_CLOSED ? poolWasClosed : aborted, CANCELLED)
  }

  /** Calls `onProgress`, in the caller's async context, if there is progress. */
  report(fraction = instance.progress(this.slot)) {
    const attachments = /** @type {Attachments} */ (this.attachments)
    if (this.settled || fraction <= attachments.reported) return
    attachments.reported = fraction
    const { onProgress, context } = attachments
    if (onProgress === undefined || context === undefined) return
    require('../reporting.js').report(onProgress, fraction, context, (error) => this.#progressFailed(error))
  }

  /**
   * A call of `onProgress` has failed, perhaps later: it was an async function.
   * @param {unknown} error
   */
  #progressFailed(error) {
    if (!this.settled) this.abandon(error)
    // Of a task that has failed, that is the error which counts.
    else if (this.attachments?.succeeded) throwApart(error)
  }

  /**
   * Calls a function in the async context of the task's caller.
   * @template T
   * @param {() => T} f
   * @returns {T}
   */
  inContext(f) {
    const context = /** @type {Context} */ (/** @type {Attachments} */ (this.attachments).context)
    return context.runInAsyncScope(f)
  }

  /**
   * Rejects with an error of the caller's own code; the work stops.
   * @param {unknown} error
   */
  abandon(error) {
    if (this.settled) return
    instance.stop(this.slot, STOP_ABORTED)
    this.rejectWith(error, CANCELLED)
  }

  /**
   * The task's stream, or what it has given, is no good.
   * @param {unknown} failure
   */
  breakOff(failure) {
    if (this.settled) return
    instance.stop(this.slot, STOP_ABORTED)
    this.fail(failure)
  }

  /**
   * Rejects the promise, unless it is settled.
   * @param {any} error
   * @param {number | undefined} outcome none if the call is to count nowhere
   * @param {import('../times.js').Times | undefined} [times] of the call, which a task that was refused has not taken down
   */
  rejectWith(error, outcome, times = this.attachments?.times) {
    if (this.settled) return
    this.settled = true
    this.reject(error)
    try {
      const mayBeTriedAgain = times?.uncounted !== undefined && (outcome === REJECTED || outcome === REFUSED)
      if (mayBeTriedAgain) this.#countLater(error, outcome, times)
      else this.#count(outcome, times)
    } finally {
      this.#disarm()
    }
  }

  /**
   * Rejects the promise, unless it is settled, where its caller is not on the stack any more.
   * @param {() => unknown} make the error
   * @param {number} outcome
   */
  rejectLate(make, outcome) {
    if (this.settled) return
    this.settled = true
    try {
      rejectLate(this.resolve, make)
      this.#count(outcome, this.attachments?.times)
    } finally {
      this.#disarm()
    }
  }

  /**
   * The promise was settled, by the caller of this alone. Observers are notified after that, and can no longer change it.
   * @param {number | undefined} outcome
   * @param {import('../times.js').Times | undefined} times
   */
  #count(outcome, times) {
    if (outcome === undefined) return
    if (this.owner !== undefined) this.owner.counts[outcome]++
    if (observers.size !== 0)
      this.#observe((observer, pool, kernel) => observer.ended(pool, kernel, REPORTED[outcome], times?.route))
  }

  /**
   * Whoever called may try again, and then the refusal is reported to nobody else: it says so if it does not.
   * @param {any} error
   * @param {number} outcome
   * @param {import('../times.js').Times} times
   */
  #countLater(error, outcome, times) {
    const { counts } = /** @type {Owner} */ (this.owner)
    const taken = outcome === REJECTED ? 1 : 0
    counts[TRIED_AGAIN] += taken
    times.uncounted?.set(error, () => {
      counts[TRIED_AGAIN] -= taken
      this.#count(outcome, times)
    })
  }

  /** Whatever might have stopped the task, or wanted to know of it, is let go. */
  #disarm() {
    if (this.attachments === undefined) return
    const { signal, onProgress, feed } = this.attachments
    try {
      deadlines.release(this.attachments)
      if (onProgress !== undefined) require('./progress.js').unwatch(this)
      if (signal !== undefined) signals.unwatch(signal, this)
    } finally {
      feed?.stop()
    }
  }

  /**
   * A task that is settled, and of whose stream no piece is at the pool.
   * @param {number} waited
   * @param {number} ran
   */
  end(waited, ran) {
    try {
      this.recordTimes(waited, ran)
    } finally {
      this.release()
    }
  }

  /**
   * Notifies those from whom metrics are made.
   * @param {(observer: import('../observe.js').Observer, pool: any, kernel: string) => void} say
   */
  #observe(say) {
    notify((observer) => say(observer, this.owner?.pool, this.name))
  }

  /**
   * The result has arrived.
   * @param {any} value
   */
  succeed(value) {
    // The callback may stop the task yet, or throw, which does.
    if (!this.settled && this.attachments?.onProgress !== undefined) this.report(1)
    if (this.settled) return
    this.settled = true
    if (this.attachments !== undefined) this.attachments.succeeded = true
    this.resolve(value)
    this.#count(COMPLETED, this.attachments?.times)
    this.#disarm()
  }

  /**
   * The task has failed.
   * @param {any} failure
   */
  fail(failure) {
    const outcome = COUNT_OF[outcomeOf(failure)]
    // Whoever may try again is to know the error by which it was refused.
    const mayBeTriedAgain = outcome === REJECTED && this.attachments?.times?.uncounted !== undefined
    if (mayBeTriedAgain) this.rejectWith(toError(failure, 'input'), outcome)
    else this.rejectLate(() => toError(failure, 'input'), outcome)
  }

  /**
   * The task was not taken: its arguments are wrong, or there is no place for it.
   * @param {any} failure
   * @param {import('../times.js').Times | undefined} [times]
   */
  refuse(failure, times) {
    try {
      const refused = outcomeOf(failure) === 'rejected' ? REFUSED : undefined
      const outcome = codeOf(failure) === 'ERR_KERNEL_PANIC' ? NEVER_TAKEN : refused
      this.rejectWith(toError(failure, 'input'), outcome, times)
    } finally {
      // Else it was taken, whatever was thrown then, and its record is to come.
      if (instance.isFree(this.slot)) this.release()
    }
  }

  /** The slot holds its result, or its failure. */
  collect() {
    if (this.settled) {
      instance.discard(this.slot)
      return
    }
    let value
    try {
      value = adopt(instance.take(this.slot))
      if (this.gaveBuffer) value = asBuffer(value)
    } catch (failure) {
      this.fail(failure)
      return
    }
    this.succeed(value)
  }

  /**
   * The task has left its thread, before which its promise may have been settled.
   * @param {number} wait milliseconds from the call to the first instruction
   * @param {number} run from there to the end
   */
  recordTimes(wait, run) {
    const times = this.attachments?.times
    times?.end(this, wait, run)
    if (observers.size === 0) return
    this.#observe((observer, pool, kernel) => observer.measured(pool, kernel, wait, run, times?.route))
  }

  /** Gives the slot and the input back, and notifies the owner last: `close` resolves after the promises of the pool's tasks. */
  release() {
    if (!leave(this)) return
    if (this.frozen !== undefined) countReaders(this.frozen, -1)
    if (this.attachments?.feed !== undefined) instance.unfold(this.slot)
    this.owner?.taskEnded()
  }
}

module.exports = { Task }
