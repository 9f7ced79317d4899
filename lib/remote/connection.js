'use strict'

/** Connections to Redis: one way to make them, whatever the caller gave. */

const { setTimeout: sleep } = require('node:timers/promises')
const { invalidType, invalidValue, makeError } = require('../errors.js')
const { AbortController, clearTimeout, setTimeout } = require('../host.js')
const { LONGEST_TIMER_MS, integer, refuseUnknown } = require('../options.js')

/** How long Redis may take to answer at first, in milliseconds, if the caller does not say. */
const CONNECT_TIMEOUT_MS = 10_000
/** Until the next try to reach a Redis that is away: longer each time, up to this. */
const LONGEST_PAUSE_MS = 1000
/** How long the end may take when there is nothing more to wait for, in milliseconds. */
const CLOSE_TIMEOUT_MS = 5000
/**
 * Options of ioredis' that would break what goes over our connections: answers of another form (`replyMapping`, `stringNumbers`), commands
 * out of turn (`enableAutoPipelining`), and commands lost with a connection, or given up though they are to wait.
 */
const FORCED = {
  lazyConnect: false,
  replyMapping: 'legacy',
  stringNumbers: false,
  enableAutoPipelining: false,
  enableOfflineQueue: true,
  autoResendUnfulfilledCommands: true,
  maxRetriesPerRequest: null,
}
/** These as well, by being left out: there are commands that wait for seconds on purpose. */
const LEFT_OUT = ['commandTimeout', 'socketTimeout', 'blockingTimeout']
/**
 * What Redis says when it cannot do now what it may do later: it is full, starts, is no master for the moment, runs a script, or has too many
 * connections.
 */
const TEMPORARY =
  /(?:^|-)(?:OOM|MISCONF|READONLY|LOADING|BUSY|MASTERDOWN|NOREPLICAS|TRYAGAIN|CLUSTERDOWN|UNBLOCKED) |max number of clients/
const OPTIONS = ['connection', 'queue', 'prefix', 'connectTimeout']

/**
 * Where callers and workers meet, checked, with defaults filled in.
 * @typedef {{ connection: any, queue: string, prefix: string, connectTimeout: number }} ConnectionSettings
 * @typedef {any} Redis ioredis' client; its types are not ours to need
 */

/**
 * @param {any} options
 * @param {string[]} more names of options that are not of the connection
 * @returns {ConnectionSettings}
 */
function connectionSettings(options, more) {
  refuseUnknown('options', options, new Set([...OPTIONS, ...more]))
  const { connection, queue = 'heavy-load', prefix = 'bull', connectTimeout = CONNECT_TIMEOUT_MS } = options
  if (typeof queue !== 'string') throw invalidType('options.queue', 'of type string', queue)
  // BullMQ's rule: the colon parts its keys.
  if (queue === '' || queue.includes(':')) throw invalidValue('options.queue', 'must be a name without a colon', queue)
  if (typeof prefix !== 'string') throw invalidType('options.prefix', 'of type string', prefix)
  checkConnection(connection)
  integer('options.connectTimeout', connectTimeout, 1, LONGEST_TIMER_MS)
  return { connection, queue, prefix, connectTimeout }
}

/** @param {any} connection */
function checkConnection(connection) {
  if (typeof connection === 'string' || isUrl(connection)) {
    checkUrl(String(connection))
    return
  }
  const isObject = connection !== null && typeof connection === 'object' && !Array.isArray(connection)
  const isClient = isObject && typeof connection.duplicate === 'function'
  // Clients of other makes have it, too.
  if (!isObject || (isClient && typeof connection.defineCommand !== 'function')) {
    throw invalidType('options.connection', "a URL, an object of ioredis' options or an ioredis client", connection)
  }
  if (connection.isCluster === true) {
    throw invalidConnection('must not be a Redis Cluster: heavy-load needs one Redis, or one behind Sentinel')
  }
  const given = isClient ? connection.options : connection
  if (given.keyPrefix) throw invalidConnection('must not have a keyPrefix: options.prefix is for that')
  if (given.url !== undefined) checkUrl(String(given.url))
}

/**
 * Whether it is a URL object, of whichever realm.
 * @param {any} value
 */
function isUrl(value) {
  return typeof value?.href === 'string' && typeof value.searchParams === 'object'
}

/** @param {string} url */
function checkUrl(url) {
  if (!URL.canParse(url)) throw invalidConnection('must be a URL such as redis://127.0.0.1:6379')
  const { protocol, searchParams } = new URL(url)
  if (protocol !== 'redis:' && protocol !== 'rediss:') {
    throw invalidConnection(`must be a URL with redis: or rediss:. Received one with ${protocol}`)
  }
  if (searchParams.has('keyPrefix')) throw invalidConnection('must not have a keyPrefix: options.prefix is for that')
}

/**
 * The value is not shown: it may have a password in it.
 * @param {string} reason
 */
function invalidConnection(reason) {
  return makeError('ERR_INVALID_ARG_VALUE', `The "options.connection" property ${reason}`)
}

/**
 * A connection of our own, also where the caller gave a client: that one stays the caller's. It comes back by itself when
 * it is lost, for as long as the caller's own `retryStrategy` says, if there is one; commands wait for it meanwhile.
 * @param {any} connection
 * @param {Record<string, unknown>} [options]
 * @returns {Redis}
 */
function connect(connection, options) {
  const redis = make(connection, { ...FORCED, ...options })
  // Without a listener Node would end the process. What fails because of it says so itself.
  redis.on('error', (/** @type {Error} */ error) => {
    redis.lastError = error
  })
  redis.on('ready', () => {
    redis.lastError = undefined
  })
  rejectAtEnd(redis)
  return redis
}

/**
 * Has the commands rejected that wait for a connection when it ends: ioredis forgets those that were on their way when it was lost, and all of
 * them if it ends between two tries.
 * @param {Redis} redis
 */
function rejectAtEnd(redis) {
  redis.on('end', () => {
    for (const queue of [redis.offlineQueue, redis.commandQueue, redis.prevCommandQueue]) {
      for (let item = queue?.shift(); item !== undefined; item = queue.shift()) {
        item.command.reject(new Error('Connection is closed.'))
      }
    }
  })
}

/**
 * @param {any} connection
 * @param {Record<string, unknown>} forced
 */
function make(connection, forced) {
  const leftOut = Object.fromEntries(LEFT_OUT.map((name) => [name, undefined]))
  if (typeof connection.duplicate === 'function') return connection.duplicate({ ...forced, ...leftOut })
  const { Redis } = requireOptional('ioredis')
  const isAddress = typeof connection === 'string' || isUrl(connection)
  // As BullMQ has it: a URL among the options.
  const { url, ...rest } = isAddress ? { url: connection } : connection
  const own = { ...rest, ...leftOut, retryStrategy: rest.retryStrategy ?? pauseBefore, ...forced }
  // Of several arguments, what the first ones say counts.
  return url === undefined ? new Redis(own) : new Redis(forced, withoutTimeouts(String(url)), own)
}

/** @param {string} url ioredis takes its query for options */
function withoutTimeouts(url) {
  const parsed = new URL(url)
  if (!LEFT_OUT.some((name) => parsed.searchParams.has(name))) return url
  for (const name of LEFT_OUT) parsed.searchParams.delete(name)
  return parsed.href
}

/**
 * Milliseconds until Redis is tried again.
 * @param {number} times
 */
function pauseBefore(times) {
  return Math.min(50 * times, LONGEST_PAUSE_MS)
}

/**
 * What is asked of Redis at first, all together: rejects with ERR_REMOTE if it is not done in time, or the connection has ended.
 * @template T
 * @param {Redis} redis
 * @param {number} timeout milliseconds
 * @param {Promise<T>} work
 * @returns {Promise<T>}
 */
function within(redis, timeout, work) {
  return new Promise((resolve, reject) => {
    const fail = (/** @type {string} */ problem) => reject(remoteError(`${nameOf(redis)} ${problem}`, redis.lastError))
    const timer = setTimeout(fail, timeout, `did not answer within ${timeout} ms`)
    const onEnd = () => fail('was not waited for')
    redis.once('end', onEnd)
    const letGo = () => {
      clearTimeout(timer)
      redis.off('end', onEnd)
    }
    work.finally(letGo).then(resolve, reject)
  })
}

/**
 * Waits until Redis answers, and looks whether it is one that we can work with.
 * @param {Redis} redis
 * @param {number} timeout milliseconds; then ERR_REMOTE
 */
async function waitUntilReady(redis, timeout) {
  if (redis.status !== 'ready') await ready(redis, timeout)
  // Our keys, and those of BullMQ, would be on several machines.
  if (/^redis_mode:cluster/m.test(await redis.info('server'))) {
    throw remoteError(`${nameOf(redis)} is a Redis Cluster: heavy-load needs one Redis, or one behind Sentinel`)
  }
}

/**
 * Waits until a connection that is not there is.
 * @param {Redis} redis
 * @param {number} timeout milliseconds; then ERR_REMOTE
 */
async function ready(redis, timeout) {
  // It tries again and again meanwhile: Redis may be starting, too.
  const problem = await new Promise((resolve) => {
    const timer = setTimeout(resolve, timeout, `did not answer within ${timeout} ms`)
    const listeners = {
      ready: () => settle(undefined),
      end: () => settle('was not waited for'),
      // A wrong password does not get better.
      error: (/** @type {Error} */ error) =>
        isRefusal(error) && !isTemporary(error) && settle('refuses the connection'),
    }
    for (const [event, listener] of Object.entries(listeners)) redis.on(event, listener)
    const settle = (/** @type {string | undefined} */ result) => {
      clearTimeout(timer)
      for (const [event, listener] of Object.entries(listeners)) redis.off(event, listener)
      resolve(result)
    }
  })
  if (problem !== undefined) throw remoteError(`${nameOf(redis)} ${problem}`, redis.lastError)
}

/**
 * Lets Redis go, and ends all waiting for it. What was sent over a connection that is there is still delivered.
 * @param {Redis} redis
 */
function hangUp(redis) {
  const { status, stream } = redis
  if (status !== 'end') redis.disconnect()
  // For the end of a connection that has ended, ioredis would wait for two seconds, whoever asked it, and the process with it.
  if (stream?.closed) stream.emit('close')
  else if (status !== 'ready') stream?.destroy()
  if (status !== 'reconnecting') return
  // Between two tries there is no connection whose end ioredis would report.
  redis.status = 'end'
  redis.emit('end')
}

/**
 * The same, and whoever has it can have it neither connect nor end again.
 * @param {Redis} redis
 */
function hangUpForGood(redis) {
  hangUp(redis)
  redis.disconnect = () => {}
  redis.connect = () => Promise.reject(new Error('The connection was closed'))
}

/**
 * Resolves when `work` has ended, however it did, or when the time is over.
 * @param {number} ms
 * @param {Promise<unknown>} work
 */
async function settleWithin(ms, work) {
  const ended = new AbortController()
  const late = sleep(ms, undefined, { signal: ended.signal }).catch(() => {})
  await Promise.race([work.catch(() => {}), late])
  ended.abort()
}

/**
 * As it is called in messages.
 * @param {Redis} redis
 */
function nameOf({ options: { host, name, path, port, sentinels } }) {
  return sentinels ? `Redis '${name}' behind Sentinel` : `Redis at ${path ?? `${host}:${port}`}`
}

/**
 * Whether Redis has refused a command: it was there, and said no.
 * @param {any} error
 */
function isRefusal({ name }) {
  return name === 'ReplyError'
}

/**
 * Whether what Redis has refused may be asked of it again.
 * @param {any} error
 */
function isTemporary({ message }) {
  // Older ones have it in the middle, of what a script did.
  return TEMPORARY.test(message)
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
function requireOptional(name) {
  try {
    return require(name)
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'MODULE_NOT_FOUND') throw error
    throw remoteError('heavy-load/remote needs two packages more: npm install bullmq ioredis', error)
  }
}

module.exports = {
  CLOSE_TIMEOUT_MS,
  connect,
  hangUp,
  hangUpForGood,
  isRefusal,
  isTemporary,
  nameOf,
  rejectAtEnd,
  requireOptional,
  connectionSettings,
  waitUntilReady,
  ready,
  remoteError,
  settleWithin,
  within,
}
