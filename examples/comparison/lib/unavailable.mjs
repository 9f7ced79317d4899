// What a strategy throws that lacks something outside of Node: answered 503, with the remedy.

/** @param {string} message what is missing, and how to start it */
export function unavailable(message, options) {
  return Object.assign(new Error(message, options), { code: 'ERR_STRATEGY_UNAVAILABLE' })
}
