const DEFAULT_ITERATIONS = 1e9
const MOST_ITERATIONS = 1e12

/** `?iterations=` of a query; throws ERR_OUT_OF_RANGE, with the status of a client's mistake. */
export function iterationsOf({ iterations: text = String(DEFAULT_ITERATIONS) }) {
  const iterations = /\d/.test(text) ? Number(text) : Number.NaN
  if (Number.isInteger(iterations) && iterations >= 0 && iterations <= MOST_ITERATIONS) return iterations
  const range = `an integer >= 0 and <= ${MOST_ITERATIONS}`
  const message = `The value of "iterations" is out of range. It must be ${range}. Received ${JSON.stringify(text)}`
  throw Object.assign(new RangeError(message), { code: 'ERR_OUT_OF_RANGE', status: 400 })
}
