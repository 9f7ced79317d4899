'use strict'

const { clearTimeout, setTimeout } = require('./host.js')
const { LONGEST_TIMER_MS, closeTimeout } = require('./options.js')

/**
 * What pools and workers do when they are closed, first and again: they begin to end, and what is left is cancelled at once
 * (`force`), or when the time is over.
 * @param {any} options of `close`
 * @param {() => Promise<void>} end begins to end, if that has not begun yet; resolves at the end
 * @param {() => void} cancel
 * @returns {Promise<void>}
 */
function close(options, end, cancel) {
  let timeout
  try {
    timeout = closeTimeout(options)
  } catch (error) {
    return Promise.reject(error)
  }
  const ended = end()
  if (timeout === 0) cancel()
  else if (timeout <= LONGEST_TIMER_MS) {
    const timer = setTimeout(cancel, timeout)
    ended.then(() => clearTimeout(timer))
  }
  return ended
}

module.exports = { close }
