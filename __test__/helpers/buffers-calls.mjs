// Calls of kernels, and how they end, as values: one table of cases serves all forms.
import api from '../../index.js'

/** All three forms as functions that give a promise: what the synchronous form throws is a rejection, too. */
export function formsOf(kernel) {
  return [kernel, `${kernel}Sync`, `${kernel}Async`].map((name) => ({
    name,
    run: async (...args) => api[name](...args),
  }))
}

/** The two that give a promise, as they are. */
export function promiseFormsOf(kernel) {
  return [kernel, `${kernel}Async`].map((name) => ({ name, run: api[name] }))
}

/** The error that a promise rejects with. */
export async function errorOf(promise) {
  let value
  try {
    value = await promise
  } catch (error) {
    return error
  }
  throw new Error(`was to reject, and gave ${String(value)}`)
}

/** The code of the error that a promise rejects with. */
export async function codeOf(promise) {
  return (await errorOf(promise)).code
}
