'use strict'

const { isUsable } = require('./buffers.js')
const { ownOptionsOf } = require('./catalog.js')
const { aborted, codeOf, extend, faultOf, invalidType, rejectLate } = require('./errors.js')
const { AbortController, clearTimeout, setTimeout } = require('./host.js')
const { TIMES } = require('./observe.js')
const { LONGEST_TIMER_MS, TASK_OPTIONS, integer, refusePool, refuseUnknown, taskSettings } = require('./options.js')
const signals = require('./signals.js')
const { Source, isTouched } = require('./source.js')
const { MapTimes } = require('./times.js')

const MAP_OPTIONS = ['concurrency', 'ordered']

/**
 * Runs a kernel over many inputs with back-pressure: at most `concurrency` inputs have been pulled whose results have not
 * been consumed. Leaving the loop, by whatever way, cancels what is left and closes the source.
 * @param {{ run: Function, threads?: number }} pool
 * @param {any} kernel
 * @param {any} inputs
 * @param {any} [options]
 * @returns {AsyncIterableIterator<{ index: number, value: any }>}
 */
function map(pool, kernel, inputs, options = {}) {
  return new Mapped(pool, kernel, inputs, options)
}

/**
 * The iterator. Written by hand, since an async generator would not do: its `return()` waits for the `next()` before it, and so for a
 * source that may have nothing to give, or a task that may run for ever.
 *
 * Invariants:
 * 1. Nothing is begun, and no argument looked at, before the first `next()`; nothing is pulled while none is to be answered.
 * 2. Once it has ended, whoever ended it, the tasks are aborted, the source is closed, the signal is let go, and every `next()` is answered:
 *    the first with the failure, if that was the end, the others with `done`.
 * 3. What goes wrong while a source is closed is reported only if nothing else is, and if it is waited for.
 */
class Mapped {
  #pool
  #kernel
  #inputs
  #options
  /** @type {Source | undefined} none before the first `next()` */
  #source
  /** @type {number | undefined} */
  #concurrency
  /** @type {any} */
  #taskOptions
  /** @type {MapTimes | undefined} none before the first `next()` */
  #times
  /** Aborts the tasks. */
  #rest = new AbortController()
  /** @type {import('./signals.js').Signals | undefined} the caller's */
  #signal
  /** @type {NodeJS.Timeout | undefined} */
  #timer
  #watcher = {
    /** @param {unknown} reason */
    abort: (reason) => this.#fail(() => aborted(reason), reason),
  }
  /** @type {InOrder | AsTheyFinish} */
  #results = new AsTheyFinish()
  /**
   * Inputs that the pool had no place for. One of them is tried again whenever a task of ours has ended.
   * @type {{ index: number, input: any }[]}
   */
  #refused = []
  /**
   * Answers that `next()` has promised.
   * @type {((answer: any) => void)[]}
   */
  #asked = []
  #pulled = 0
  #consumed = 0
  #running = 0
  #begun = false
  #ended = false
  /**
   * Makes the error of the next answer.
   * @type {(() => unknown) | undefined}
   */
  #failure

  /**
   * @param {{ run: Function, threads?: number }} pool
   * @param {any} kernel
   * @param {any} inputs
   * @param {any} options
   */
  constructor(pool, kernel, inputs, options) {
    this.#pool = pool
    this.#kernel = kernel
    this.#inputs = inputs
    this.#options = options
  }

  [Symbol.asyncIterator]() {
    return this
  }

  next() {
    return new Promise((resolve) => {
      this.#asked.push(resolve)
      if (!this.#begun && !this.#ended) this.#begin()
      this.#answer()
    })
  }

  /** @param {any} [value] */
  async return(value) {
    await this.#end()
    return { done: true, value: await value }
  }

  /**
   * @param {any} [error]
   * @returns {Promise<never>}
   */
  async throw(error) {
    this.#end().catch(() => {})
    throw error
  }

  async [Symbol.asyncDispose]() {
    await this.return()
  }

  #begin() {
    this.#begun = true
    try {
      const own = ownOptionsOf(this.#kernel)
      // Of a kernel that only others know, they know the options.
      if (own !== undefined) refuseUnknown('options', this.#options, new Set([...MAP_OPTIONS, ...TASK_OPTIONS, ...own]))
      if (this.#options.pool !== undefined) refusePool(this.#options, this.#pool)
      const { signal } = taskSettings(this.#options)
      const { concurrency, ordered = true, ...rest } = this.#options
      if (concurrency !== undefined) this.#concurrency = integer('options.concurrency', concurrency, 1, 2 ** 32)
      if (typeof ordered !== 'boolean') throw invalidType('options.ordered', 'of type boolean', ordered)
      if (ordered) this.#results = new InOrder()
      this.#times = new MapTimes(/** @type {any} */ (this.#options)[TIMES])
      this.#taskOptions = { ...rest, signal: this.#rest.signal, [TIMES]: this.#times }
      this.#source = new Source(this.#inputs)
      if (signal !== undefined) this.#listen(signal)
      this.#limit(this.#times)
      // Code of the caller's may have ended it, before all of this was there to be let go.
      if (this.#ended) this.#letGo()?.catch(() => {})
    } catch (error) {
      this.#fail(() => error)
    }
  }

  /**
   * A request's time is over for its map, too, whatever that waits for.
   * @param {MapTimes} times
   */
  #limit(times) {
    const left = times.left()
    if (left <= LONGEST_TIMER_MS) this.#timer = setTimeout(() => this.#fail(() => times.overdue()), left)
  }

  /**
   * The source may have nothing to give for long: an abort does not wait for it.
   * @param {import('./signals.js').Signals} signal
   */
  #listen(signal) {
    const before = signals.whichAborted(signal)
    if (before !== undefined) {
      this.#watcher.abort(before.reason)
      return
    }
    // First, since a signal that is not Node's own may abort while it is listened to.
    this.#signal = signal
    signals.watch(signal, this.#watcher)
  }

  /** Gives what there is, and has more made of it, as long as somebody waits for an answer. */
  #answer() {
    for (;;) {
      try {
        this.#fill()
      } catch (error) {
        // A pool that cannot be opened.
        this.#fail(() => error)
      }
      // What was pulled may have ended it all, and that has given the answers.
      if (this.#asked.length === 0) return
      const result = this.#failure === undefined ? this.#results.take() : undefined
      if (result !== undefined) this.#consumed++
      else if (!this.#ended && !(this.#source?.exhausted && this.#consumed === this.#pulled)) return
      const resolve = /** @type {(answer: any) => void} */ (this.#asked.shift())
      const failure = this.#failure
      this.#failure = undefined
      if (failure !== undefined) rejectLate(resolve, failure)
      else if (result !== undefined) resolve({ done: false, value: result })
      else {
        this.#end().catch(() => {})
        resolve({ done: true, value: undefined })
      }
    }
  }

  #fill() {
    const source = this.#source
    // Of a remote pool, workers come and go.
    const most = this.#concurrency ?? Math.max(16, 4 * (this.#pool.threads ?? 0))
    while (
      !this.#ended &&
      this.#asked.length > 0 &&
      source?.ready &&
      this.#pulled - this.#consumed < most &&
      this.#refused.length === 0
    ) {
      source.pull(
        (input) => this.#take(this.#pulled++, input),
        (error) => this.#fail(() => error),
        () => this.#answer(),
      )
    }
  }

  /**
   * An input has come, or a promise of it: which does not keep the others waiting.
   * @param {number} index
   * @param {any} input
   */
  #take(index, input) {
    const fail = (/** @type {unknown} */ error) => this.#fail(() => error)
    try {
      if (typeof input !== 'object' || input === null || typeof input.then !== 'function') this.#start(index, input)
      else
        Promise.resolve(input)
          .then((value) => this.#start(index, value))
          .catch(fail)
    } catch (error) {
      // An input that cannot be looked at, or a pool of somebody else's make.
      fail(error)
    }
  }

  /**
   * @param {number} index
   * @param {any} input
   */
  #start(index, input) {
    if (this.#ended) return
    this.#running++
    this.#pool.run(this.#kernel, input, this.#taskOptions).then(
      (/** @type {any} */ value) => {
        this.#running--
        if (this.#ended) return
        this.#results.add({ index, value })
        const again = this.#refused.shift()
        if (again !== undefined) this.#take(again.index, again.input)
        this.#answer()
      },
      (/** @type {any} */ error) => {
        this.#running--
        if (this.#ended) return
        // With none of ours running, the pool is full of others' tasks, and we would not know when to try again.
        if (codeOf(error) === 'ERR_POOL_OVERLOADED' && this.#running > 0 && mayBeTriedAgain(input)) {
          this.#refused.push({ index, input })
          return
        }
        this.#times?.passOn(error)
        this.#fail(() => retraced(error, index))
      },
    )
  }

  /**
   * @param {() => unknown} makeError where whoever asked for the result can be found
   * @param {unknown} [reason] for the tasks
   */
  #fail(makeError, reason) {
    if (this.#ended) return
    this.#failure = makeError
    this.#end(reason).catch(() => {})
  }

  /**
   * @param {unknown} [reason]
   * @returns {Promise<void>} until the source is closed
   */
  async #end(reason) {
    if (this.#ended) return
    this.#ended = true
    if (this.#running > 0) this.#rest.abort(reason)
    const closed = this.#letGo()
    this.#answer()
    await closed
  }

  /** @returns {Promise<void> | undefined} until the source is closed */
  #letGo() {
    clearTimeout(this.#timer)
    if (this.#signal !== undefined) signals.unwatch(this.#signal, this.#watcher)
    return this.#source?.close()
  }
}

/**
 * Whether all of an input is still there: its memory may have gone with a task that was given up later, and a stream have been read.
 * @param {any} input
 */
function mayBeTriedAgain(input) {
  return isUsable(input) && !isTouched(input)
}

/**
 * An error of a task's, with its input's index, and with the frames of those that await the result rather than the task.
 * @param {any} error
 * @param {number} index
 */
function retraced(error, index) {
  if (faultOf(error) === undefined) return error
  Error.captureStackTrace(error, retraced)
  return extend(error, { index })
}

/** Results by index: given only in turn. */
class InOrder {
  #results = new Map()
  #next = 0

  /** @param {{ index: number, value: any }} result */
  add(result) {
    this.#results.set(result.index, result)
  }

  take() {
    const result = this.#results.get(this.#next)
    if (result !== undefined) this.#results.delete(this.#next++)
    return result
  }
}

/** Results in the order in which they came. */
class AsTheyFinish {
  #results = new Map()
  #added = 0
  #taken = 0

  /** @param {{ index: number, value: any }} result */
  add(result) {
    this.#results.set(this.#added++, result)
  }

  take() {
    const result = this.#results.get(this.#taken)
    if (result !== undefined) this.#results.delete(this.#taken++)
    return result
  }
}

module.exports = { map }
