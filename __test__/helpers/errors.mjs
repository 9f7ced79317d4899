// Errors as values, to look at closely.

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
