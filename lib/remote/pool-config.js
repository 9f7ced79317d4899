'use strict'

/** What a RemotePool takes beside where its queue is: checked, with defaults filled in. */

const { invalidValue } = require('../errors.js')
const { LONGEST_TIMER_MS, integer, refuseUnknown } = require('../options.js')

const OPTIONS = ['attempts', 'backoff', 'maxQueue', 'payloadTtl']
const BACKOFF_OPTIONS = new Set(['type', 'delay'])
const DAY_MS = 86_400_000

/** @param {any} options */
function remoteConfig(options) {
  const { attempts = 3, backoff = { type: 'exponential', delay: 200 }, maxQueue = 16384, payloadTtl = DAY_MS } = options
  integer('options.attempts', attempts, 1, 2 ** 31 - 1)
  integer('options.payloadTtl', payloadTtl, 1, Number.MAX_SAFE_INTEGER)
  if (maxQueue !== Infinity) integer('options.maxQueue', maxQueue, 1, Number.MAX_SAFE_INTEGER)
  if (typeof backoff === 'object') {
    refuseUnknown('options.backoff', backoff, BACKOFF_OPTIONS)
    if (backoff.type !== 'fixed' && backoff.type !== 'exponential') {
      throw invalidValue('options.backoff.type', "must be one of: 'fixed', 'exponential'", backoff.type)
    }
    integer('options.backoff.delay', backoff.delay, 0, LONGEST_TIMER_MS)
  } else {
    integer('options.backoff', backoff, 0, LONGEST_TIMER_MS)
  }
  return { payloadTtl, maxQueue, job: { attempts, backoff } }
}

module.exports = { OPTIONS, remoteConfig }
