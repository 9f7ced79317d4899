'use strict'

const { clearTimeout, nextTick, setTimeout } = require('../host.js')

/**
 * Replies to one caller: a stream, which keeps them until they have been read, whatever happens to connections meanwhile.
 * (A message that is published reaches only who listens at that moment.)
 */

const { setTimeout: sleep } = require('node:timers/promises')
const { hangUp, isRefusal, isTemporary } = require('./connection.js')

/** How long a question for replies waits for one, in milliseconds: a connection that is dead without a word is found out. */
const BLOCK_MS = 5000
/** By then even the slowest answer to it would have come. */
const SILENCE_MS = 3 * BLOCK_MS
/** Most replies of one answer: what settles them does not hold the event loop for long. */
const BATCH = 64
/** How long the replies to a caller that is gone stay, in milliseconds. */
const TTL_MS = 3_600_000
/** Until what Redis refused is sent again, in milliseconds. */
const RETRY_MS = 500
/** Most replies of an entry: neither end holds its event loop for long with them. */
const MOST_REPLIES = 500

/**
 * @typedef {import('./connection.js').Redis} Redis
 * @typedef {import('./wire.js').Reply} Reply
 * @typedef {{ id: string, json: string, isLast: boolean }} Entry
 */

/** The caller's end. */
class Inbox {
  #reader
  #redis
  #key
  #onReply
  #onRefused
  #last = '0-0'
  #isOpen = true
  /** Entries of our own, by which we know how far we have read. @type {Map<string, (value: void) => void>} */
  #marks = new Map()
  #made = 0
  /** @type {NodeJS.Timeout | undefined} */
  #overdue
  #ended

  /**
   * @param {Redis} reader a connection of its own: questions that wait hold up all others
   * @param {Redis} redis
   * @param {string} key
   * @param {(id: string, reply: string) => void} onReply gets JSON, or whatever else is there; does not throw
   * @param {(error: Error) => void} onRefused gets what Redis says if it gives no replies, for good; stops this, and does not throw
   */
  constructor(reader, redis, key, onReply, onRefused) {
    this.#reader = reader
    this.#redis = redis
    this.#key = key
    this.#onReply = onReply
    this.#onRefused = onRefused
    this.#ended = this.#read()
  }

  /** Resolves when every reply has been delivered that was there at the call; does not, if Redis is lost once more. */
  caughtUp() {
    const mark = `mark-${this.#made++}`
    return /** @type {Promise<void>} */ (
      new Promise((resolve, reject) => {
        this.#marks.set(mark, resolve)
        add(this.#redis, this.#key, [mark, '']).catch(reject)
      })
    )
  }

  async #read() {
    while (this.#isOpen) {
      const found = await this.#ask()
      for (const [id, fields] of found) {
        this.#last = id
        for (let at = 0; at < fields.length; at += 2) this.#deliver(fields[at], fields[at + 1])
      }
      if (found.length > 0) {
        // What is not deleted now is deleted with the stream.
        this.#redis.xdel(this.#key, ...found.map(([id]) => id)).catch(() => {})
      }
    }
  }

  /**
   * @param {string} id of a job, or a mark
   * @param {string} json
   */
  #deliver(id, json) {
    const resolve = this.#marks.get(id)
    this.#marks.delete(id)
    if (resolve === undefined) this.#onReply(id, json)
    else resolve()
  }

  /** @returns {Promise<[string, string[]][]>} entries: jobs' ids and their replies, in turn */
  async #ask() {
    this.#overdue = setTimeout(() => this.#reader.disconnect(true), SILENCE_MS)
    try {
      const streams = await this.#reader.xread('COUNT', BATCH, 'BLOCK', BLOCK_MS, 'STREAMS', this.#key, this.#last)
      return streams?.[0][1] ?? []
    } catch (/** @type {any} */ error) {
      if (this.#isOpen && isRefusal(error) && !isTemporary(error)) this.#onRefused(error)
      // It comes back, and so does this.
      if (this.#isOpen) await sleep(100)
      return []
    } finally {
      clearTimeout(this.#overdue)
    }
  }

  /** Nothing is delivered any more. */
  stop() {
    this.#isOpen = false
    // A question that was asked of a Redis that is away is never answered after this.
    clearTimeout(this.#overdue)
    hangUp(this.#reader)
  }

  /** And the stream is gone. */
  async remove() {
    this.stop()
    await this.#ended
    // A Redis that is away is not waited for: the stream has a time to live.
    if (this.#redis.status === 'ready') await this.#redis.unlink(this.#key).catch(() => {})
  }
}

/**
 * The worker's end: replies to any caller. Those of one turn of the event loop go together. What is sent through the same
 * connection later happens later, so that nobody needs to wait until Redis has a reply; a last one that it refuses (it has no
 * room) is sent again, until it is not.
 */
class Outbox {
  #redis
  #keyOf
  #onRefused
  /** What has not been sent, by caller. @type {Map<string, { entries: Entry[], sent: Promise<void> }>} */
  #batches = new Map()
  /** Replies that Redis does not have yet. @type {Set<Promise<boolean>>} */
  #underWay = new Set()

  /**
   * @param {Redis} redis
   * @param {(caller: string) => string} keyOf
   * @param {(error: Error) => void} onRefused gets what Redis says when it refuses replies; does not throw
   */
  constructor(redis, keyOf, onRefused) {
    this.#redis = redis
    this.#keyOf = keyOf
    this.#onRefused = onRefused
  }

  /**
   * Resolves when it is on its way: in this connection's order.
   * @param {string} caller
   * @param {string} id of the job
   * @param {Reply} reply
   */
  send(caller, id, reply) {
    const isLast = Object.hasOwn(reply, 'value') || Object.hasOwn(reply, 'error')
    return this.#enter(caller, { id, json: JSON.stringify(reply), isLast })
  }

  /**
   * @param {string} caller
   * @param {Entry} entry
   */
  #enter(caller, entry) {
    let batch = this.#batches.get(caller)
    if (batch === undefined || batch.entries.length >= MOST_REPLIES) {
      const entries = /** @type {Entry[]} */ ([])
      // Results that come together settle together: by the next tick all their promises have had their turn.
      const sent = new Promise((resolve) => nextTick(resolve)).then(() => this.#flush(caller, entries))
      batch = { entries, sent }
      this.#batches.set(caller, batch)
    }
    batch.entries.push(entry)
    return batch.sent
  }

  /**
   * @param {string} caller
   * @param {Entry[]} entries
   */
  #flush(caller, entries) {
    if (this.#batches.get(caller)?.entries === entries) this.#batches.delete(caller)
    const fields = entries.flatMap(({ id, json }) => [id, json])
    /** @type {Promise<boolean>} */
    const stored = add(this.#redis, this.#keyOf(caller), fields)
      .catch((error) => this.#failed(error, caller, entries))
      .then(() => this.#underWay.delete(stored))
    this.#underWay.add(stored)
  }

  /**
   * What has failed for now is sent again, with whatever is to be sent by then; of progress there will be more.
   * @param {Error} error
   * @param {string} caller
   * @param {Entry[]} entries
   */
  async #failed(error, caller, entries) {
    if (isRefusal(error)) {
      this.#onRefused(error)
      if (!isTemporary(error)) return
    }
    const last = entries.filter(({ isLast }) => isLast)
    if (last.length > 0) await sleep(RETRY_MS, undefined, { ref: false })
    if (this.#redis.status !== 'end') await Promise.all(last.map((entry) => this.#enter(caller, entry)))
  }

  get isEmpty() {
    return this.#batches.size === 0 && this.#underWay.size === 0
  }

  /** Resolves when Redis has all that was sent. */
  async emptied() {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }
}

/**
 * Their time begins anew with each: the stream may have been removed since the last, by its caller or with a Redis that keeps
 * nothing. Two commands and no transaction, since ioredis sends those again when its connection was lost meanwhile; a reply
 * may come twice.
 * @param {Redis} redis
 * @param {string} key
 * @param {string[]} fields
 */
function add(redis, key, fields) {
  return Promise.all([redis.xadd(key, '*', ...fields), redis.pexpire(key, TTL_MS)])
}

module.exports = { Inbox, Outbox }
