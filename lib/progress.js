'use strict'

/** Milliseconds between two looks at the tasks whose progress is watched: 20 calls a second at most. */
const INTERVAL = 50

/**
 * @typedef {{ report: () => void }} Reporting
 * @type {Set<Reporting>}
 */
const tasks = new Set()
/** @type {NodeJS.Timeout | undefined} */
let timer

/** One timer for all tasks, only while there are any; the tasks themselves keep the event loop alive. */
function tick() {
  for (const task of tasks) task.report()
}

/** @param {Reporting} task */
function watch(task) {
  tasks.add(task)
  timer ??= setInterval(tick, INTERVAL).unref()
}

/** @param {Reporting} task */
function unwatch(task) {
  if (tasks.delete(task) && tasks.size === 0) {
    clearInterval(timer)
    timer = undefined
  }
}

module.exports = { unwatch, watch }
