'use strict'

/** Which Redis is meant. */

const { UsageError } = require('./errors.js')

const DEFAULT_URL = 'redis://127.0.0.1:6379'
const OPTIONS = /** @type {const} */ ({
  redis: { type: 'string' },
  queue: { type: 'string' },
  prefix: { type: 'string' },
})

/**
 * Where callers and workers meet, as lib/remote/index.js takes it, and as it is called in messages.
 * @param {{ redis?: string, queue?: string, prefix?: string }} values
 */
function placeOf({ redis = process.env.REDIS_URL || DEFAULT_URL, queue = 'heavy-load', prefix }) {
  const url = check(redis)
  const tls = url.protocol === 'rediss:' ? ' (TLS)' : ''
  const address = `${url.hostname || 'localhost'}:${url.port || 6379}${tls}`
  return { options: { connection: url.href, queue, ...(prefix !== undefined && { prefix }) }, address }
}

/** @param {string} text */
function check(text) {
  try {
    const url = new URL(text)
    const { protocol, username, password, pathname, search, hash } = url
    decodeURIComponent(username + password)
    // An @ is behind the password. Here it says that a character in there has ended what is in front of the path.
    const isWhole = !`${pathname}${search}${hash}`.includes('@')
    if (isWhole && (protocol === 'redis:' || protocol === 'rediss:')) return url
  } catch {
    // As wrong as others.
  }
  // Nothing of it is shown: any part may be of the password.
  const example = 'redis://user:password@127.0.0.1:6379, or rediss:// for TLS'
  throw new UsageError(`Redis's URL must be one such as ${example}, with the password percent-encoded`)
}

module.exports = { OPTIONS, placeOf }
