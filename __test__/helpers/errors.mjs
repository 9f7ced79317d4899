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

/** The code of the error that a promise rejects with. */
export async function codeOf(promise) {
  return (await errorOf(promise)).code
}
