'use strict'

/**
 * One listener a signal, however many tasks it may abort; it is removed with the last of them. The caller's own listeners
 * and `onabort` are never touched.
 *
 * @typedef {{ tasks: Set<Abortable>, listener: () => void }} Watch
 * @typedef {{ abort: (reason: unknown) => void }} Abortable
 * @type {WeakMap<AbortSignal, Watch>}
 */
const watches = new WeakMap()

/**
 * Has `task.abort(reason)` called when the signal aborts.
 * @param {AbortSignal} signal not aborted yet
 * @param {Abortable} task
 */
function watch(signal, task) {
  let entry = watches.get(signal)
  if (entry === undefined) {
    const tasks = new Set()
    const listener = () => {
      watches.delete(signal)
      for (const task of tasks) task.abort(signal.reason)
    }
    entry = { tasks, listener }
    watches.set(signal, entry)
    signal.addEventListener('abort', listener, { once: true })
  }
  entry.tasks.add(task)
}

/**
 * @param {AbortSignal} signal
 * @param {Abortable} task
 */
function unwatch(signal, task) {
  const entry = watches.get(signal)
  if (entry?.tasks.delete(task) && entry.tasks.size === 0) {
    watches.delete(signal)
    signal.removeEventListener('abort', entry.listener)
  }
}

module.exports = { unwatch, watch }
