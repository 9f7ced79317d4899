// The forms of a kernel, called alike, so that one table of cases serves them all.
import api from 'heavy-load'

/** All three as functions that give a promise: what the synchronous form throws is a rejection, too. */
export function formsOf(kernel) {
  return [kernel, `${kernel}Sync`, `${kernel}Async`].map((name) => {
    const form = api[name]
    return { name, run: async (...args) => form(...args) }
  })
}

/** The two that give a promise, as they are. */
export function promiseFormsOf(kernel) {
  return [kernel, `${kernel}Async`].map((name) => ({ name, run: api[name] }))
}
