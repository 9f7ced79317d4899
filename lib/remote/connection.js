'use strict'

/** Connections to Redis: one way to make them, whatever the caller gave. */

const { setTimeout: sleep } = require('node:timers/promises')
const { invalidType, invalidValue, makeError } = require('../errors.js')
const { AbortController, clearTimeout, setTimeout } = require('../host.js')
const { LONGEST_TIMER, integer, object } = require('../options.js')

/** How long Redis may take to answer at first, in milliseconds, if the caller does not say. */
const CONNECT_TIMEOUT = 10_000
/** Until the next try to reach a Redis that is away: longer each time, up to this. */
const LONGEST_PAUSE = 1000
/** How long the end may take when there is nothing more to wait for, in milliseconds. */
const LAST_WORDS = 5000

/**
 * Where callers and workers meet, checked, with defaults filled in.
 * @typedef {{ connection: any, queue: string, prefix: string, connectTimeout: number }} Place
 * @typedef {any} Redis ioredis' client; its types are not ours to need
 */

/**
 * @param {any} options
 * @returns {Place}
 */
function place(options) {
  object('options', options)
  const { connection, queue = 'heavy-load', prefix = 'bull', connectTimeout = CONNECT_TIMEOUT } = options
  if (typeof queue !== 'string') throw invalidType('options.queue', 'of type string', queue)
  // BullMQ's rule: the colon parts its keys.
  if (queue === '' || queue.includes(':')) throw invalidValue('options.queue', 'must be a name without a colon', queue)
  if (typeof prefix !== 'string') throw invalidType('options.prefix', 'of type string', prefix)
  if (typeof connection === 'string') checkUrl(connection)
  else if (connection === null || typeof connection !== 'object') {
    throw invalidType('options.connection', "a URL, an object of ioredis' options or an ioredis client", connection)
  }
  integer('options.connectTimeout', connectTimeout, 1, LONGEST_TIMER)
  return { connection, queue, prefix, connectTimeout }
}

/** @param {string} url */
function checkUrl(url) {
  // The value is not shown: it may have a password in it.
  const invalid = (/** @type {string} */ reason) =>
    makeError('ERR_INVALID_ARG_VALUE', `The "options.connection" property ${reason}`)
  if (!URL.canParse(url)) throw invalid('must be a URL such as redis://127.0.0.1:6379')
  const { protocol } = new URL(url)
  if (protocol !== 'redis:' && protocol !== 'rediss:') {
    throw invalid(`must be a URL with redis: or rediss:. Received one with ${protocol}`)
  }
}

/**
 * A connection of our own, also where the caller gave a client: that one stays the caller's. It comes back by itself when
 * it is lost; commands wait for it meanwhile.
 * @param {any} connection
 * @param {Record<string, unknown>} [options]
 * @returns {Redis}
 */
function connect(connection, options) {
  const own = {
    retryStrategy: (/** @type {number} */ times) => Math.min(50 * times, LONGEST_PAUSE),
    maxRetriesPerRequest: null,
    lazyConnect: false,
    ...options,
  }
  const redis = make(connection, own)
  // Without a listener Node would end the process. What fails because of it says so itself.
  redis.on('error', (/** @type {Error} */ error) => {
    redis.lastError = error
  })
  return redis
}

/**
 * @param {any} connection
 * @param {Record<string, unknown>} options
 */
function make(connection, options) {
  if (typeof connection?.duplicate === 'function') return connection.duplicate(options)
  const { Redis } = peer('ioredis')
  if (typeof connection === 'string') return new Redis(connection, options)
  // As BullMQ has it: a URL among the options.
  const { url, ...rest } = connection
  return url === undefined ? new Redis({ ...rest, ...options }) : new Redis(url, { ...rest, ...options })
}

/**
 * Waits until Redis answers.
 * @param {Redis} redis
 * @param {number} timeout milliseconds; then ERR_REMOTE
 */
async function reach(redis, timeout) {
  if (redis.status === 'ready') return
  // It tries again and again meanwhile: Redis may be starting, too.
  const problem = await new Promise((resolve) => {
    const timer = setTimeout(resolve, timeout, `did not answer within ${timeout} ms`)
    const listeners = {
      ready: () => settle(undefined),
      end: () => settle('was not waited for'),
      // A wrong password does not get better.
      error: (/** @type {Error} */ { name }) => name === 'ReplyError' && settle('refuses the connection'),
    }
    for (const [event, listener] of Object.entries(listeners)) redis.on(event, listener)
    const settle = (/** @type {string | undefined} */ result) => {
      clearTimeout(timer)
      for (const [event, listener] of Object.entries(listeners)) redis.off(event, listener)
      resolve(result)
    }
  })
  if (problem !== undefined) throw remoteError(`Redis at ${addressOf(redis)} ${problem}`, redis.lastError)
}

/**
 * Resolves when `work` has ended, however it did, or when the time is over.
 * @param {number} ms
 * @param {Promise<unknown>} work
 */
async function within(ms, work) {
  const ended = new AbortController()
  const late = sleep(ms, undefined, { signal: ended.signal }).catch(() => {})
  await Promise.race([work.catch(() => {}), late])
  ended.abort()
}

/** @param {Redis} redis */
function addressOf({ options }) {
  return options.path ?? `${options.host}:${options.port}`
}

/**
 * @param {string} message
 * @param {unknown} [cause]
 */
function remoteError(message, cause) {
  return makeError('ERR_REMOTE', message, cause === undefined ? undefined : { cause })
}

/**
 * One of the packages that only remote pools need.
 * @param {string} name
 * @returns {any}
 */
function peer(name) {
  try {
    return require(name)
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'MODULE_NOT_FOUND') throw error
    throw remoteError('heavy-load/bullmq needs two packages more: npm install bullmq ioredis', error)
  }
}

module.exports = { LAST_WORDS, connect, peer, place, reach, remoteError, within }
