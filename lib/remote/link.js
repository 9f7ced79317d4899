'use strict'

/** A remote pool's link to Redis: made when it is first needed, lost as a whole, and then made anew when it is needed again. */

const { poolIsClosed } = require('../errors.js')
const { clearInterval, performance, setInterval } = require('../host.js')
const { Clock } = require('./clock.js')
const {
  CLOSE_TIMEOUT_MS,
  connect,
  hangUp,
  nameOf,
  ready,
  remoteError,
  requireOptional,
  settleWithin,
  waitUntilReady,
  within,
} = require('./connection.js')
const { Inbox } = require('./replies.js')
const workers = require('./workers.js')

/** Attempts to reach a Redis that was lost before what has been asked of it fails: some fifteen seconds. */
const RETRIES = 20
/** A Redis that has not answered for so long is away, in milliseconds. */
const AWAY_MS = 1000
/** How long is waited at the end for a Redis that was there, in milliseconds: a few tries. */
const BACK_MS = 500

/**
 * @typedef {import('./connection.js').Redis} Redis
 * @typedef {{ redis: Redis, queue: any, clock: Clock, inbox: Inbox }} Ends
 *
 * Who receives what comes over it. `onBack`: Redis is there again, perhaps without what it had. `onLost`: it is not waited for any more.
 * @typedef {object} User
 * @property {(id: string, reply: string) => void} onReply
 * @property {(view: import('./workers.js').View) => void} onView
 * @property {() => Promise<unknown>} onBack
 * @property {(error: () => Error) => void} onLost
 */

class Link {
  #settings
  #keys
  #caller
  #user
  /** @type {Promise<Ends> | undefined} */
  #ends
  /** Whether Redis has answered, and has not been lost since. */
  #isOpen = false
  #isClosing = false
  /** Also while it has not answered yet. @type {Redis} */
  #redis
  /** Whether it ever has. */
  #hasAnswered = false
  /** When it was asked what it has not answered yet, by performance.now(). @type {number | undefined} */
  #asked
  /** @type {NodeJS.Timeout | undefined} */
  #look

  /**
   * @param {import('./connection.js').ConnectionSettings} settings
   * @param {ReturnType<typeof import('./wire.js').keysOf>} keys
   * @param {string} caller
   * @param {User} user
   */
  constructor(settings, keys, caller, user) {
    this.#settings = settings
    this.#keys = keys
    this.#caller = caller
    this.#user = user
  }

  /** What is at its ends: made by the first who asks, and again by the next one if that fails. */
  open() {
    this.#ends ??= this.#connect().catch((error) => {
      this.#ends = undefined
      throw error
    })
    return this.#ends
  }

  async #connect() {
    const { connection, connectTimeout } = this.#settings
    const { Queue } = requireOptional('bullmq')
    const redis = connect(connection, { maxRetriesPerRequest: RETRIES })
    this.#redis = redis
    this.#asked = performance.now()
    const clock = new Clock(redis)
    let queue
    try {
      queue = await within(redis, connectTimeout, this.#meet(redis, clock, Queue))
      if (this.#isClosing) throw poolIsClosed()
    } catch (error) {
      hangUp(redis)
      throw error
    }
    const reader = connect(connection)
    // One of the two connections may be given up alone, and is of no use then.
    let isLost = false
    const lose = (/** @type {() => Error} */ error) => {
      if (isLost) return
      isLost = true
      this.#lose(redis, inbox, error)
    }
    const inbox = new Inbox(reader, redis, this.#keys.replies(this.#caller), this.#user.onReply, (error) =>
      lose(() => remoteError(`${nameOf(reader)} refuses to give replies: ${error.message}`, error)),
    )
    // Redis may go away again meanwhile: then this is done once more, and nobody waits for it.
    redis.on('ready', () => Promise.all([clock.set(), this.#user.onBack()]).catch(() => {}))
    for (const ended of [redis, reader]) {
      // The caller's own retryStrategy has given it up, if we have not.
      ended.once('end', () =>
        lose(() => remoteError(`${nameOf(ended)} is away, and is not tried again`, ended.lastError)),
      )
    }
    this.#look = setInterval(() => {
      // One question at a time: a Redis that is away is not to find many when it is back.
      if (this.#asked === undefined) this.#see(redis).catch(() => {})
    }, workers.EVERY_MS)
    this.#look.unref()
    this.#isOpen = true
    return { redis, queue, clock, inbox }
  }

  /**
   * @param {Redis} redis
   * @param {Clock} clock
   * @param {any} Queue BullMQ's
   */
  async #meet(redis, clock, Queue) {
    const { queue: name, prefix, connectTimeout } = this.#settings
    await waitUntilReady(redis, connectTimeout)
    const queue = new Queue(name, { connection: redis, prefix })
    // What fails says so itself.
    queue.on('error', () => {})
    await Promise.all([clock.set(), queue.waitUntilReady(), this.#see(redis)])
    return queue
  }

  /**
   * Looks at the queue and its workers.
   * @param {Redis} redis
   */
  async #see(redis) {
    this.#asked ??= performance.now()
    let view
    try {
      view = await workers.look(redis, this.#keys)
    } finally {
      this.#asked = undefined
    }
    this.#hasAnswered = true
    this.#user.onView(view)
  }

  /**
   * @param {Redis} redis
   * @param {Inbox} inbox
   * @param {() => Error} error
   */
  #lose(redis, inbox, error) {
    clearInterval(this.#look)
    if (this.#isClosing) return
    this.#ends = undefined
    this.#isOpen = false
    inbox.stop()
    hangUp(redis)
    this.#user.onLost(error)
  }

  /** Why Redis is away, if it is: `what` says that it is, and `cause` has how that is known. */
  get trouble() {
    const redis = this.#redis
    if (redis === undefined) return undefined
    const isUnheard = this.#asked !== undefined && performance.now() - this.#asked > AWAY_MS
    // Where it has answered before, a connection that is not there is one that was lost.
    const isLost = redis.lastError !== undefined || (this.#hasAnswered && redis.status !== 'ready')
    if (!isLost && !isUnheard) return undefined
    const known = isLost ? 'The connection is lost' : `No answer for more than ${AWAY_MS} ms`
    return { what: `${nameOf(redis)} is away`, cause: redis.lastError ?? new Error(known) }
  }

  /**
   * Which of these jobs Redis does not have.
   * @param {string[]} ids
   * @returns {Promise<Set<string>>} also those that have ended: then their replies have been delivered by now
   */
  async missing(ids) {
    const { redis, queue, inbox } = await this.open()
    const found = await Promise.all(ids.map((id) => redis.exists(queue.toKey(id))))
    const missing = new Set(ids.filter((_, index) => found[index] === 0))
    if (missing.size > 0) await inbox.caughtUp()
    return missing
  }

  /**
   * Lets Redis go; nothing is asked of it any more but what is to be done before.
   * @param {() => Promise<unknown>} before
   */
  async close(before) {
    this.#isClosing = true
    clearInterval(this.#look)
    // One that was there may only be reconnecting, and what we have in it would stay.
    if (this.#isOpen && this.#redis.status !== 'ready') await ready(this.#redis, BACK_MS).catch(() => {})
    // Nobody needs it any more. That ends what has been asked of it at first, too.
    if (this.#redis !== undefined && (!this.#isOpen || this.#redis.status !== 'ready')) hangUp(this.#redis)
    const ends = await this.#ends?.catch(() => undefined)
    // Redis may be away, or a worker that is to stop: what they have has a time to live.
    if (ends?.redis.status === 'ready') await settleWithin(CLOSE_TIMEOUT_MS, tidy(ends, before))
    ends?.inbox.stop()
    if (ends !== undefined) hangUp(ends.redis)
  }
}

/**
 * @param {Ends} ends
 * @param {() => Promise<unknown>} before
 */
async function tidy({ queue, inbox }, before) {
  await before()
  await inbox.remove()
  await queue.close()
}

module.exports = { Link }
