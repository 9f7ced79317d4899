'use strict'

/** What `startWorker` takes beside where its queue is: checked, with defaults filled in. */

const { invalidType } = require('../errors.js')
const { throwApart } = require('../host.js')
const { LONGEST_TIMER_MS, integer } = require('../options.js')
const { Pool, defaultPool } = require('../pool/index.js')
const { withoutRepeats } = require('../repeats.js')

const OPTIONS = ['pool', 'concurrency', 'lockDuration', 'stalledInterval', 'resultTtl', 'onError']
/** Locks are short, because a worker's death is noticed only when they end; to renew them costs little. Milliseconds. */
const LOCK_MS = 3000
const HOUR_MS = 3_600_000
/** How often the same error is reported, in milliseconds. */
const REPORT_AGAIN_MS = 1000
/** Characters of a message by which it is recognised: it may contain a stranger's id of any length. */
const LONGEST_MESSAGE = 200
const NUMBERS_AND_IDS = /[\da-f-]*\d[\da-f-]*/gi

/** @param {any} options */
function workerConfig(options) {
  const { pool = defaultPool, lockDuration = LOCK_MS, resultTtl = HOUR_MS, onError = () => {} } = options
  if (!(pool instanceof Pool)) throw invalidType('options.pool', 'an instance of Pool', pool)
  if (typeof onError !== 'function') throw invalidType('options.onError', 'of type function', onError)
  const { concurrency = Math.max(16, 4 * pool.threads), stalledInterval = Math.ceil(lockDuration / 4) } = options
  return {
    pool,
    onError: reporter(onError),
    concurrency: integer('options.concurrency', concurrency, 1, 2 ** 31 - 1),
    lockDuration: integer('options.lockDuration', lockDuration, 100, LONGEST_TIMER_MS),
    stalledInterval: integer('options.stalledInterval', stalledInterval, 10, LONGEST_TIMER_MS),
    resultTtl: integer('options.resultTtl', resultTtl, 1, Number.MAX_SAFE_INTEGER),
  }
}

/**
 * Reports errors. Of those that differ only in the numbers and ids of their messages, as each attempt to reach Redis makes one, one a second.
 * @param {(error: Error) => void} onError
 * @returns {(error: Error) => void}
 */
function reporter(onError) {
  const isNew = withoutRepeats(REPORT_AGAIN_MS)
  return (error) => {
    const message = String(error?.message).slice(0, LONGEST_MESSAGE)
    if (!isNew(message.replace(NUMBERS_AND_IDS, '#'))) return
    try {
      onError(error)
    } catch (thrown) {
      // It must not stop what it was called from.
      throwApart(thrown)
    }
  }
}

module.exports = { OPTIONS, workerConfig }
