'use strict'

const { clearTimeout, setTimeout } = require('../host.js')

/** Milliseconds between two looks at the tasks whose progress is watched: 20 calls a second at most. */
const INTERVAL_MS = 50

/**
 * `inContext` calls a function in the async context of the task's caller.
 * @typedef {{ report: () => void, inContext: <T>(f: () => T) => T }} Reporting
 * @type {Set<Reporting>}
 */
const tasks = new Set()
/** @type {NodeJS.Timeout | undefined} */
let timer

function tick() {
  timer = undefined
  for (const task of tasks) task.report()
  schedule()
}

/**
 * One timer for all tasks, only while there are any; the tasks themselves keep the event loop alive. A timer keeps the async
 * context in which it was made: so each is made in that of a task that is still there, and none outlives its tasks for long.
 */
function schedule() {
  const [first] = tasks
  if (first !== undefined) timer ??= first.inContext(() => setTimeout(tick, INTERVAL_MS).unref())
}

/** @param {Reporting} task */
function watch(task) {
  tasks.add(task)
  schedule()
}

/** @param {Reporting} task */
function unwatch(task) {
  if (tasks.delete(task) && tasks.size === 0) {
    clearTimeout(timer)
    timer = undefined
  }
}

module.exports = { unwatch, watch }
