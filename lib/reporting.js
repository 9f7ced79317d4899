'use strict'

/**
 * Calls the caller's `onProgress`, in the caller's async context. What it throws is given to `fail`, and so is what a promise rejects with that
 * it returns, as that of an async function: elsewhere nobody would look at it, and it would end the process.
 * @param {(fraction: number) => unknown} onProgress
 * @param {number} fraction
 * @param {import('node:async_hooks').AsyncResource} context
 * @param {(error: unknown) => void} fail
 */
function report(onProgress, fraction, context, fail) {
  try {
    const returned = /** @type {any} */ (context.runInAsyncScope(onProgress, undefined, fraction))
    if (typeof returned?.then === 'function') Promise.resolve(returned).catch(fail)
  } catch (error) {
    fail(error)
  }
}

module.exports = { report }
