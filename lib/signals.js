'use strict'

/**
 * One listener a signal, however many tasks it may abort; it is removed with the last of them. The caller's own listeners
 * and `onabort` are never touched.
 *
 * A signal's properties are looked up as rarely as can be: in some versions of Node.js each has a hidden class of its own, and every
 * look-up is one that no inline cache knows. So the runtime's own signals are known by their prototype, and asked by its functions.
 */

const { aborted } = require('./errors.js')
const host = require('./host.js')

const { throwApart } = host
const {
  prototype: OWN,
  abortedOf,
  addAbortListener,
  addListener,
  getPrototypeOf,
  isProxy,
  removeListener,
} = host.signals

/**
 * One signal, or several, of which each may abort.
 * @typedef {AbortSignal | readonly AbortSignal[]} Signals
 */

/**
 * @typedef {{ abort: (reason: unknown) => void }} Abortable
 * @type {WeakMap<AbortSignal, Abortable | Set<Abortable>>} most signals have one task, which needs no set
 */
const watches = new WeakMap()
/** @type {WeakMap<AbortSignal, () => void>} the listeners of signals that are not the runtime's own */
const listeners = new WeakMap()

/** How our listeners listen; asked for when the first one does. @type {AddEventListenerOptions | undefined} */
let options

/**
 * The options with which `events.addAbortListener` listens, so that a listener of the caller's that stops the event does not disarm ours.
 * That function itself costs twice as much as listening.
 */
function listening() {
  let options = { once: true }
  try {
    const signal = {
      aborted: false,
      /** @type {(type: string, listener: () => void, given: typeof options) => void} */
      addEventListener: (_type, _listener, given) => {
        if (given?.once === true) options = given
      },
    }
    addAbortListener?.(/** @type {any} */ (signal), () => undefined)
  } catch {
    // A runtime that takes no such signal.
  }
  return options
}

/**
 * Node's AbortSignal, or another that can be listened to.
 * @param {any} value
 */
function isSignal(value) {
  if (typeof value !== 'object' || value === null) return false
  if (isOwn(value)) return true
  if (typeof value.aborted !== 'boolean') return false
  return typeof value.addEventListener === 'function' && typeof value.removeEventListener === 'function'
}

/**
 * Which of them has aborted, if any.
 * @param {Signals} signals
 * @returns {AbortSignal | undefined}
 */
function whichAborted(signals) {
  if (isOwn(signals)) return abortedOf(signals) ? /** @type {AbortSignal} */ (signals) : undefined
  if (Array.isArray(signals)) return signals.find((signal) => whichAborted(signal) !== undefined)
  const signal = /** @type {AbortSignal} */ (signals)
  return signal.aborted ? signal : undefined
}

/**
 * Throws ABORT_ERR if one of them has aborted.
 * @param {Signals | undefined} signals
 */
function throwIfAborted(signals) {
  const signal = signals === undefined ? undefined : whichAborted(signals)
  if (signal !== undefined) throw aborted(signal.reason)
}

/**
 * Whether it is one signal, of the runtime's own.
 * @param {Signals} signals
 */
function isOwn(signals) {
  // A proxy's own listeners would be called with what it stands for.
  return getPrototypeOf(signals) === OWN && !isProxy(signals)
}

/**
 * Has `task.abort(reason)` called when one of the signals aborts. If it throws, nothing is remembered.
 * @param {Signals} signals not aborted yet
 * @param {Abortable} task
 */
function watch(signals, task) {
  if (!Array.isArray(signals)) {
    watchOne(/** @type {AbortSignal} */ (signals), task)
    return
  }
  try {
    for (const signal of signals) watchOne(signal, task)
  } catch (error) {
    unwatch(signals, task)
    throw error
  }
}

/**
 * @param {AbortSignal} signal
 * @param {Abortable} task
 */
function watchOne(signal, task) {
  const others = watches.get(signal)
  if (others === undefined) {
    watches.set(signal, task)
    try {
      listen(signal)
    } catch (error) {
      watches.delete(signal)
      throw error
    }
  } else if (others instanceof Set) {
    others.add(task)
  } else {
    watches.set(signal, new Set([others, task]))
  }
}

/**
 * Does not throw.
 * @param {Signals} signals
 * @param {Abortable} task
 */
function unwatch(signals, task) {
  if (Array.isArray(signals)) for (const signal of signals) unwatchOne(signal, task)
  else unwatchOne(/** @type {AbortSignal} */ (signals), task)
}

/**
 * @param {AbortSignal} signal
 * @param {Abortable} task
 */
function unwatchOne(signal, task) {
  const tasks = watches.get(signal)
  if (tasks === task || (tasks instanceof Set && tasks.delete(task) && tasks.size === 0)) {
    watches.delete(signal)
    try {
      unlisten(signal)
    } catch (error) {
      // A signal that is not the runtime's own.
      throwApart(error)
    }
  }
}

/** @param {AbortSignal} signal */
function listen(signal) {
  options ??= listening()
  if (isOwn(signal)) {
    addListener(signal, 'abort', onAbort, options)
    return
  }
  const listener = () => onAbort.call(signal)
  signal.addEventListener('abort', listener, options)
  listeners.set(signal, listener)
}

/** @param {AbortSignal} signal */
function unlisten(signal) {
  if (isOwn(signal)) removeListener(signal, 'abort', onAbort)
  else signal.removeEventListener('abort', /** @type {() => void} */ (listeners.get(signal)))
}

/**
 * The listener, one for all signals.
 * @this {AbortSignal}
 */
function onAbort() {
  const tasks = watches.get(this)
  if (tasks === undefined) return
  watches.delete(this)
  let reason
  try {
    reason = this.reason
  } catch (error) {
    // A signal that is not the runtime's own; it has aborted all the same.
    throwApart(error)
  }
  if (tasks instanceof Set) for (const task of tasks) task.abort(reason)
  else tasks.abort(reason)
}

module.exports = { isOwn, isSignal, throwIfAborted, unwatch, watch, whichAborted }
