'use strict'

/**
 * What a remote pool does in Redis for its tasks, beside their promises: sends jobs, stops them, fetches their results and removes what is
 * left. What fails here for good fails because of Redis, whose keys have a time to live.
 */

const { setTimeout: sleep } = require('node:timers/promises')
const { sizeIn } = require('../buffers.js')
const { faultOf } = require('../errors.js')
const { performance } = require('../host.js')
const { PRIORITIES } = require('../options.js')
const { remoteError } = require('./connection.js')
const payloads = require('./payloads.js')
const { VERSION } = require('./wire.js')

/** How long a worker is given to stop before it is asked again, in milliseconds: doubled each time, up to a limit. */
const STOP_FIRST_MS = 20
const STOP_LONGEST_MS = 1000
const STOP_ATTEMPTS = 60
/** Bytes stay so much longer than their task, in milliseconds: clocks differ. */
const GRACE_MS = 10_000

/**
 * @typedef {import('./task.js').Task} Task
 * @typedef {ReturnType<typeof import('./input.js').packTask>} Packed
 */

class PoolJobs {
  #caller
  #link
  #keys
  #config
  #fail
  /** What is under way. @type {Set<Promise<boolean>>} */
  #chores = new Set()

  /**
   * @param {string} caller the pool's id
   * @param {import('./link.js').Link} link
   * @param {import('./workers.js').Keys} keys
   * @param {ReturnType<typeof import('./pool-config.js').remoteConfig>} config
   * @param {(task: Task, make: () => unknown) => void} fail rejects a task's promise, unless it is settled, with the error that is made
   */
  constructor(caller, link, keys, config, fail) {
    this.#caller = caller
    this.#link = link
    this.#keys = keys
    this.#config = config
    this.#fail = fail
  }

  /**
   * @param {Task} task
   * @param {Packed} packed
   */
  send(task, packed) {
    this.#begin(this.#send(task, packed))
  }

  /**
   * Has the job stopped of a task that nobody waits for any more; one that has not been sent yet is not sent.
   * @param {Task} task
   */
  stop(task) {
    task.stopped = true
    if (task.sent) this.#begin(this.#stopJob(task))
  }

  /**
   * Fetches a result's bytes, and removes them: also those that nobody waits for.
   * @param {string} id of the job
   * @param {number[]} sizes bytes
   * @param {Task | undefined} task none if nobody waits for it
   * @param {(parts: ArrayBuffer[]) => void} take
   */
  fetch(id, sizes, task, take) {
    if (task !== undefined) task.answered = true
    this.#begin(this.#fetch(id, sizes, task, take))
  }

  /**
   * Which of these tasks Redis no longer has: it keeps nothing when it ends.
   * @param {Task[]} tasks
   * @returns {Promise<Task[]>}
   */
  async lost(tasks) {
    const { redis } = await this.#link.open()
    const missing = await this.#link.missing(tasks.map(({ id }) => id))
    // Of a job that has ended the reply was there, and its result may be on its way.
    const lost = tasks.filter(({ id, answered }) => missing.has(id) && !answered)
    // A worker may still be at it, for nobody.
    for (const { id } of lost) this.#begin(redis.publish(this.#keys.stop, id))
    return lost
  }

  /** Resolves when nothing is under way any more. */
  async ended() {
    while (this.#chores.size > 0) await Promise.all(this.#chores)
  }

  /** @param {Promise<unknown>} chore */
  #begin(chore) {
    /** @type {Promise<boolean>} */
    const done = chore.catch(() => {}).then(() => this.#chores.delete(done))
    this.#chores.add(done)
  }

  /**
   * @param {Task} task
   * @param {Packed} packed
   */
  async #send(task, { input, options, parts, release }) {
    let isWriting = false
    let isAdding = false
    try {
      const { redis, queue, clock } = await this.#link.open()
      if (task.stopped) return
      const { timeout, priority, key, weight, maxThreads, onProgress } = task.settings
      const now = await clock.now()
      const left = timeout - (performance.now() - task.called)
      const deadline = timeout === Infinity ? undefined : now + left
      if (parts.length > 0) {
        isWriting = true
        const ttl = Math.min(this.#config.payloadTtl, Math.max(left, 0) + GRACE_MS)
        await payloads.write(redis, this.#keys.input(task.id), parts, ttl)
      }
      /** @type {import('./wire.js').Message} */
      const message = {
        version: VERSION,
        caller: this.#caller,
        input,
        options,
        sizes: parts.length > 0 ? parts.map(sizeIn) : undefined,
        deadline,
        priority: PRIORITIES[priority],
        key,
        weight,
        maxThreads,
        progress: onProgress === undefined ? undefined : true,
        begun: true,
      }
      if (!task.stopped) {
        isAdding = true
        await queue.add(task.kernel, message, { ...this.#config.job, jobId: task.id, priority })
      }
      task.sent = true
      // There was nothing to stop before.
      if (task.stopped) this.#begin(this.#stopJob(task))
    } catch (error) {
      this.#fail(task, () => asRemote(error))
      // Redis may have the job though it did not say so, and some of the bytes.
      if (isAdding) this.#begin(this.#stopJob(task))
      else if (isWriting) this.#begin(this.#discard(task))
    } finally {
      release()
    }
  }

  /**
   * Takes a job out of the queue, or has its worker stop it: until there is no such job any more.
   * @param {Task} task
   */
  async #stopJob(task) {
    const { redis, queue } = await this.#link.open()
    try {
      // It cannot be removed while a worker has it, and that one may just have lost its connection.
      for (let time = 0; time < STOP_ATTEMPTS && (await queue.remove(task.id)) === 0; time++) {
        await redis.publish(this.#keys.stop, task.id)
        await sleep(Math.min(STOP_FIRST_MS * 2 ** time, STOP_LONGEST_MS))
      }
    } finally {
      await this.#discard(task)
    }
  }

  /**
   * Removes a task's bytes.
   * @param {Task} task
   */
  async #discard({ id }) {
    const { redis } = await this.#link.open()
    await redis.unlink(this.#keys.input(id), this.#keys.result(id))
  }

  /**
   * @param {string} id
   * @param {number[]} sizes
   * @param {Task | undefined} task
   * @param {(parts: ArrayBuffer[]) => void} take
   */
  async #fetch(id, sizes, task, take) {
    const { redis } = await this.#link.open()
    const key = this.#keys.result(id)
    try {
      if (task !== undefined) take(await payloads.read(redis, key, sizes))
    } catch (error) {
      if (task !== undefined) this.#fail(task, () => asRemote(error))
    } finally {
      await redis.unlink(key)
    }
  }
}

/**
 * A task's own error, of one that others may have, too.
 * @param {any} error of Redis or of what leads there; ours says what it should
 */
function asRemote(error) {
  const isOurs = faultOf(error) !== undefined
  return isOurs ? remoteError(error.message, error.cause) : remoteError(`Redis failed: ${error.message}`, error)
}

module.exports = { PoolJobs }
