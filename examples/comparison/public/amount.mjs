// How much work a request may ask for: the server refuses all else, and the page does not send it.

/** The number that `text` is, if it is an amount of `job`. */
export function parseAmount(text, { most }) {
  const amount = /\d/.test(text) ? Number(text) : Number.NaN
  return Number.isInteger(amount) && amount >= 0 && amount <= most ? amount : undefined
}

/** Why `text` is none. */
export function outOfRange(text, { most }) {
  return `The value of "amount" is out of range. It must be an integer >= 0 and <= ${most}. Received ${JSON.stringify(text)}`
}

/** As people put it in: 1e9, and 20. */
export function formatAmount(amount) {
  return amount < 1e6 ? String(amount) : amount.toExponential().replace('e+', 'e')
}
