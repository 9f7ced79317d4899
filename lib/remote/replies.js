'use strict'

/**
 * Replies to one caller: a stream, which keeps them until they have been read, whatever happens to connections meanwhile.
 * (A message that is published reaches only who listens at that moment.)
 */

const { setTimeout: sleep } = require('node:timers/promises')
const { all } = require('./connection.js')

/** How long a question for replies waits for one, in milliseconds: a connection that is dead without a word is found out. */
const QUESTION = 5000
/** By then even the slowest answer to it would have come. */
const PATIENCE = 3 * QUESTION
/** Most replies of one answer: what settles them does not hold the event loop for long. */
const BATCH = 64
/** How long the replies to a caller that is gone stay, in milliseconds. */
const TTL = 3_600_000

/**
 * @typedef {import('./connection.js').Redis} Redis
 * @typedef {import('./wire.js').Reply} Reply
 */

/** The caller's end. */
class Inbox {
  #reader
  #redis
  #key
  #onReply
  #last = '0-0'
  #isOpen = true
  /** @type {(() => void)[]} */
  #whenEmpty = []
  #ended

  /**
   * @param {Redis} reader a connection of its own: questions that wait hold up all others
   * @param {Redis} redis
   * @param {string} key
   * @param {(id: string, reply: Reply) => void} onReply
   */
  constructor(reader, redis, key, onReply) {
    this.#reader = reader
    this.#redis = redis
    this.#key = key
    this.#onReply = onReply
    this.#ended = this.#read()
  }

  /** Resolves when every reply has been told that was there at the call. */
  caughtUp() {
    return /** @type {Promise<void>} */ (new Promise((resolve) => this.#whenEmpty.push(resolve)))
  }

  async #read() {
    while (this.#isOpen) {
      const empty = this.#whenEmpty.splice(0)
      const found = await this.#ask(empty.length > 0 ? [] : ['BLOCK', QUESTION])
      if (found === undefined || found.length > 0) this.#whenEmpty.unshift(...empty)
      else for (const resolve of empty) resolve()
      for (const [id, [, replies]] of found ?? []) {
        this.#last = id
        for (const [job, reply] of JSON.parse(replies)) this.#onReply(job, reply)
      }
      if (found !== undefined && found.length > 0) {
        // What is not deleted now is deleted with the stream.
        this.#redis.xdel(this.#key, ...found.map(([id]) => id)).catch(() => {})
      }
    }
  }

  /**
   * @param {unknown[]} wait
   * @returns {Promise<[string, string[]][] | undefined>} entries; none if Redis could not be asked
   */
  async #ask(wait) {
    const overdue = setTimeout(() => this.#reader.disconnect(true), PATIENCE)
    try {
      const streams = await this.#reader.xread('COUNT', BATCH, ...wait, 'STREAMS', this.#key, this.#last)
      return streams?.[0][1] ?? []
    } catch {
      // It comes back, and so does this.
      if (this.#isOpen) await sleep(100)
      return undefined
    } finally {
      clearTimeout(overdue)
    }
  }

  /** Nothing is told any more. */
  stop() {
    this.#isOpen = false
    this.#reader.disconnect()
  }

  /** And the stream is gone. */
  async remove() {
    this.stop()
    await this.#ended
    await this.#redis.unlink(this.#key)
  }
}

/** The worker's end: replies to any caller. Those of one turn of the event loop go together. */
class Outbox {
  #redis
  #keyOf
  /** Replies that have not been sent, by caller. @type {Map<string, { replies: [string, Reply][], sent: Promise<void> }>} */
  #batches = new Map()

  /**
   * @param {Redis} redis
   * @param {(caller: string) => string} keyOf
   */
  constructor(redis, keyOf) {
    this.#redis = redis
    this.#keyOf = keyOf
  }

  /**
   * Resolves when Redis has it.
   * @param {string} caller
   * @param {string} id of the job
   * @param {Reply} reply
   */
  send(caller, id, reply) {
    let batch = this.#batches.get(caller)
    if (batch === undefined) {
      // Results that come together settle together: by the next tick all their promises have had their turn.
      const sent = new Promise((resolve) => process.nextTick(resolve)).then(() => this.#flush(caller))
      batch = { replies: [], sent }
      this.#batches.set(caller, batch)
    }
    batch.replies.push([id, reply])
    return batch.sent
  }

  /** @param {string} caller */
  async #flush(caller) {
    const { replies } = /** @type {{ replies: [string, Reply][] }} */ (this.#batches.get(caller))
    this.#batches.delete(caller)
    const key = this.#keyOf(caller)
    // Each time anew: the stream may have been removed since, by its caller or with a Redis that keeps nothing.
    await all(this.#redis.multi().xadd(key, '*', 'replies', JSON.stringify(replies)).pexpire(key, TTL))
  }
}

module.exports = { Inbox, Outbox }
