import { outOfRange, parseAmount } from '../public/amount.mjs'

/** `?amount=` of a query for `job`; throws ERR_OUT_OF_RANGE, with the status of a client's mistake. */
export function amountOf(query, job) {
  const { amount: text = String(job.amount) } = query
  const amount = parseAmount(text, job)
  if (amount !== undefined) return amount
  throw Object.assign(new RangeError(outOfRange(text, job)), { code: 'ERR_OUT_OF_RANGE', status: 400 })
}
