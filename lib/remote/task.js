'use strict'

/** A task of a RemotePool whose promise has not been settled: what may stop it, and who gets its progress. */

const { Limited, limit, release } = require('../deadlines.js')
const { aborted } = require('../errors.js')
const { Context, performance, throwApart } = require('../host.js')
const { report } = require('../reporting.js')
const signals = require('../signals.js')

/**
 * `stop` rejects it with an error that is made then, and has its work stopped; `abandon` does with an error of the caller's own code.
 * @typedef {object} Owner
 * @property {(task: Task, make: () => unknown) => void} stop
 * @property {(task: Task, error: unknown) => void} abandon
 * @property {(task: Task) => unknown} late the error of a task whose time is over
 */

class Task {
  called = performance.now()
  /** Whether Redis has had its job. */
  sent = false
  /** When a worker has told that it has it, by performance.now(); undefined while none has. @type {number | undefined} */
  #begunAt
  /** Whether that is to be stopped. */
  stopped = false
  /** Whether its result is being fetched. */
  answered = false
  /** Whether its promise has been resolved. */
  succeeded = false
  #limited = new Limited(this)
  /** @type {Context | undefined} */
  #context
  #reported = -1
  #owner

  /**
   * @param {string} id
   * @param {string} kernel
   * @param {import('../options.js').Settings} settings
   * @param {(value: any) => void} resolve
   * @param {(error: any) => void} reject
   * @param {Owner} owner
   */
  constructor(id, kernel, settings, resolve, reject, owner) {
    this.id = id
    this.kernel = kernel
    this.settings = settings
    this.resolve = resolve
    this.reject = reject
    this.#owner = owner
    if (settings.onProgress !== undefined) this.#context = new Context('heavy-load.task')
  }

  /** Listens to what may stop it. */
  arm() {
    const { signal, timeout } = this.settings
    try {
      if (signal !== undefined) {
        signals.watch(signal, this)
        // A getter of the options may have aborted it.
        const meanwhile = signals.whichAborted(signal)
        if (meanwhile !== undefined) this.abort(meanwhile.reason)
      }
    } catch (error) {
      // A signal that is not Node's own.
      this.#owner.abandon(this, error)
    }
    // Once more, if it was stopped meanwhile: the signals after the one that aborted have been listened to since.
    if (this.stopped) this.disarm()
    else limit(this.#limited, timeout)
  }

  /** Whether a worker has it. */
  get begun() {
    return this.#begunAt !== undefined
  }

  set begun(begun) {
    this.#begunAt = begun ? performance.now() : undefined
  }

  /**
   * Milliseconds that it has waited and run by now, as far as that is known here.
   * @returns {[wait: number, run: number]}
   */
  timesSince() {
    return this.timesOf(this.#begunAt === undefined ? 0 : performance.now() - this.#begunAt)
  }

  /**
   * The same, if it has run as long as its worker says, which may be anything.
   * @param {unknown} run milliseconds
   * @returns {[wait: number, run: number]}
   */
  timesOf(run) {
    const took = performance.now() - this.called
    const ran = typeof run === 'number' && run >= 0 ? Math.min(run, took) : 0
    return [took - ran, ran]
  }

  /** Its promise is being settled: whatever might have stopped it is let go. */
  disarm() {
    release(this.#limited)
    if (this.settings.signal !== undefined) signals.unwatch(this.settings.signal, this)
  }

  /** @param {unknown} reason */
  abort(reason) {
    this.#owner.stop(this, () => aborted(reason))
  }

  expire() {
    this.#owner.stop(this, () => this.#owner.late(this))
  }

  /**
   * Calls `onProgress`, in the caller's async context, if there is progress.
   * @param {number} fraction of the attempt that is under way: what an earlier one had done is not undone
   */
  report(fraction) {
    const { onProgress } = this.settings
    if (onProgress === undefined || this.#context === undefined || fraction <= this.#reported) return
    this.#reported = fraction
    report(onProgress, fraction, this.#context, (error) => {
      // Of a task that has failed, that is the error which counts.
      if (this.succeeded) throwApart(error)
      else this.#owner.abandon(this, error)
    })
  }
}

module.exports = { Task }
