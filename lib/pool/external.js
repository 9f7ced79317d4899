'use strict'

/**
 * Tasks whose work the engine does not do itself: it says when they may begin, in its order, and keeps a thread's place for each until it is
 * told that the work is done.
 *
 * A promise settles when the work does, or before that when the task is stopped. The place is free, and the task's record comes, once the
 * work has settled: whatever it was doing may still use a CPU until then.
 */

const { constants } = require('../native.js')
const { queueMicrotask } = require('../host.js')
const { between, refuseUntaken, TASK_OPTIONS, taskSettings } = require('../options.js')
const { instance, taskAt } = require('./instance.js')
const { Task } = require('./task.js')

/** Beside the options of every task. */
const OWN_OPTIONS = new Set(['memory'])
/** Kinds have numbers from here on, as many again; kernels have those below. */
const FIRST_KIND = constants.firstExternalKind
/** How a promise was settled: its place in the counts of its pool. */
const FAILED = constants.count.failed

/**
 * Whether such tasks take it, of the options of every task: there is nothing to hand over, and nobody tells how far it is. `maxThreads`,
 * which a route may set for all of its tasks, is no less than the one thread that they count as.
 * @param {string} key
 */
function isTaken(key) {
  return key !== 'onProgress' && key !== 'transfer' && TASK_OPTIONS.has(key)
}

/**
 * @param {any} options
 * @param {ReadonlySet<string>} own the names of the options that only such tasks take
 * @returns {import('../options.js').Settings & { memory: number }}
 */
function externalSettings(options, own) {
  const settings = taskSettings(options)
  refuseUntaken(options, isTaken, own)
  const { memory } = options
  return { ...settings, memory: memory === undefined ? 0 : between('options.memory', memory, 0, Infinity) }
}

/** Of a call without options. */
const NO_SETTINGS = Object.freeze(externalSettings({}, OWN_OPTIONS))

/**
 * Which tasks are expected to take alike: those of the same name, in every environment of the process. Names that share a number (FNV-1a,
 * 31 bits) share what is known of how long they take, and nothing else.
 * @param {string} name
 */
function kindOf(name) {
  let hash = 0x811c9dc5
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193)
  return { name, kind: FIRST_KIND + ((hash >>> 0) % FIRST_KIND) }
}

/**
 * Who does the work of one task. `take`: the call can no longer be refused; if it throws, the task fails. `begin`: the task's turn has come, and `task.done` is to be called once, when the work has settled; `stop`:
 * nobody waits for it any more, for a reason that `why` gives, whether it has begun or not; `progress`: which share of it is done. Only `take`
 * throws. `isForeign`: whether `begin` calls the caller's code.
 * @typedef {{
 *   isForeign: boolean,
 *   take?: () => void,
 *   begin: (task: External) => void,
 *   stop: (why: () => unknown) => void,
 *   progress?: () => number,
 * }} Work
 */

const end = instance.end
/** Whether a task has ended at once; then what it has waited, and run. */
const ended = new Float64Array(3)

class External extends Task {
  #name
  #hasEnded = false
  #work
  #hasSettled = false
  /** @type {(() => unknown) | undefined} gives the reason of the caller's signal, if that has aborted */
  #why

  /**
   * @param {(value: any) => void} resolve
   * @param {(error: any) => void} reject
   * @param {import('./task.js').Owner} owner
   * @param {{ name: string, kind: number }} kind the name is for errors and metrics
   * @param {Work} work
   */
  constructor(resolve, reject, owner, { name, kind }, work) {
    super(resolve, reject, owner, undefined, kind)
    this.#name = name
    this.#work = work
  }

  get name() {
    return this.#name
  }

  /** Its turn has come. Does not throw. */
  begin() {
    if (this.settled) this.done()
    else if (this.#work.isForeign) queueMicrotask(() => this.#beginForeign())
    else this.#work.begin(this)
  }

  /** In a microtask of its own: the caller's code is called neither inside its own call, nor inside the end of another task. */
  #beginForeign() {
    if (this.settled) this.done()
    else this.#work.begin(this)
  }

  /** The work has settled, or never begun: the place is free, for the next. */
  done() {
    /** @type {External | undefined} */
    let ending = this
    while (ending !== undefined) {
      const next = ending.#end()
      // One that was stopped meanwhile ends here, not one inside the other: there may be many.
      ending = next?.settled ? next : undefined
      if (ending === undefined) next?.begin()
    }
  }

  /** Gives the place back; the task that has begun in it at once, if one has. */
  #end() {
    // The slot may be another's by now, as where work has settled while its thread was being ended.
    if (this.#hasEnded) return undefined
    this.#hasEnded = true
    const next = end(this.slot, ended)
    const [isOver, wait, run] = ended
    const following = next < 0 ? undefined : /** @type {External} */ (taskAt(next))
    if (isOver === 1) this.end(wait, run)
    return following
  }

  /**
   * The work has failed.
   * @param {unknown} error
   */
  failed(error) {
    this.#hasSettled = true
    this.rejectWith(error, FAILED)
  }

  report(fraction = this.#work.progress?.() ?? 0) {
    super.report(fraction)
  }

  /** @param {unknown} reason */
  abort(reason) {
    this.#why = () => reason
    super.abort(reason)
  }

  /**
   * @param {any} error
   * @param {number | undefined} outcome
   * @param {import('../times.js').Times | undefined} [times]
   */
  rejectWith(error, outcome, times) {
    if (this.settled) return
    super.rejectWith(error, outcome, times)
    if (!this.#hasSettled) this.#work.stop(() => error)
  }

  /**
   * @param {() => unknown} make
   * @param {number} outcome
   */
  rejectLate(make, outcome) {
    if (this.settled) return
    super.rejectLate(make, outcome)
    this.#work.stop(this.#why ?? make)
  }
}

module.exports = { External, NO_SETTINGS, OWN_OPTIONS, externalSettings, kindOf }
