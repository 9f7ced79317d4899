'use strict'

/**
 * The jobs that run on a worker: from the queue to their answers. Invariants:
 * 1. A job is answered before it leaves the queue, on the same connection, so that Redis does the one before the other: a
 *    worker that dies in between leaves it to another, whose answer is then the second. No answer is lost, and callers take
 *    the first.
 * 2. A job's input stays in Redis until it is answered for good, so that another attempt finds it.
 */

const { setTimeout: sleep } = require('node:timers/promises')
const { sizeIn } = require('../buffers.js')
const { codeOf, factsOf, late } = require('../errors.js')
const { Times } = require('../times.js')
const { AbortController, performance } = require('../host.js')
const { TIMES } = require('../observe.js')
const { isRefusal, isTemporary, nameOf, remoteError } = require('./connection.js')
const passOn = require('./pass-on.js')
const payloads = require('./payloads.js')
const { Outbox } = require('./replies.js')
const { VERSION, pack, packError, unpack } = require('./wire.js')

/** Requests to stop a job come by another way than the jobs, and may arrive first: so many ids are remembered. */
const MOST_REMEMBERED = 10_000
/** Characters of an id: those of callers are shorter. */
const LONGEST_ID = 100
/** How often progress is reported to a caller, in milliseconds. */
const PROGRESS_MS = 100
/** Until a result is offered again to a Redis that has refused it, in milliseconds. */
const KEEP_AGAIN_MS = 500
/** A message of another version. */
class UnknownVersion extends Error {}
/** Why a running job is stopped. */
const UNWANTED = Symbol('its caller no longer wants it, or it is lost')
const LEAVING = Symbol('this worker is closing')

/**
 * `toKey`: the key of a job in Redis. `errors`: BullMQ's.
 * @typedef {{ toKey: (id: string) => string, errors: Record<string, any> }} Queue
 * @typedef {ReturnType<typeof import('./worker-config.js').workerConfig>} WorkerConfig
 */

class WorkerJobs {
  #id
  #redis
  #keys
  #clock
  #config
  #outbox
  /** The jobs that run here, with what stops them. @type {Map<string, { control: AbortController, result: Promise<any>, holders: number }>} */
  #running = new Map()
  /** Ids of jobs that are not to run here, oldest first. @type {Set<string>} */
  #unwanted = new Set()
  /** Whether jobs are given back: also those that BullMQ was fetching when that began. */
  #isLeaving = false
  /** Jobs that were brought to their end here. */
  done = 0

  /**
   * @param {string} id the worker's
   * @param {import('./connection.js').Redis} redis
   * @param {import('./workers.js').Keys} keys
   * @param {import('./clock.js').Clock} clock
   * @param {WorkerConfig} config
   */
  constructor(id, redis, keys, clock, config) {
    this.#id = id
    this.#redis = redis
    this.#keys = keys
    this.#clock = clock
    this.#config = config
    this.#outbox = new Outbox(redis, keys.replies, (error) => this.#reportRefused(error))
  }

  /**
   * One job, from the queue to its end. What it throws is for BullMQ, which puts the job back, delays it or ends it.
   * @param {any} job
   * @param {string} token
   * @param {Queue} queue
   */
  async run(job, token, { toKey, errors: { DelayedError, UnrecoverableError, WaitingError } }) {
    if (typeof job.data?.caller !== 'string') throw new UnrecoverableError('This is no job of heavy-load')
    // A job whose lock was lost may come here a second time: it is not computed twice.
    const work = this.#running.get(job.id) ?? this.#begin(job)
    const { control, result } = work
    work.holders++
    try {
      await this.#answer(job, await result)
      this.done++
    } catch (error) {
      if (control.signal.reason === LEAVING) {
        this.#reportBegun(job, false)
        await job.moveToWait(token)
        throw new WaitingError()
      }
      if (control.signal.reason === UNWANTED) return
      const isNotHere = error instanceof UnknownVersion || factsOf(codeOf(error))?.elsewhere === 'uncounted'
      if (isNotHere && (await this.#passOn(job, token, toKey(job.id), control.signal))) throw new DelayedError()
      if (!isNotHere && !isFinal(error, job)) {
        this.#reportBegun(job, false)
        throw error
      }
      await this.#answer(job, {
        error: packError(error instanceof UnknownVersion ? remoteError(error.message) : error),
      })
      this.done++
      throw new UnrecoverableError(/** @type {Error} */ (error).message)
    } finally {
      if (--work.holders === 0) this.#running.delete(job.id)
    }
  }

  /** @param {any} job */
  #begin(job) {
    const control = new AbortController()
    if (this.#isLeaving) control.abort(LEAVING)
    if (this.#unwanted.delete(job.id)) control.abort(UNWANTED)
    const work = { control, result: this.#compute(job, control.signal), holders: 0 }
    this.#running.set(job.id, work)
    return work
  }

  /**
   * Has another worker do a job that this one cannot do, or this one later: it counts as no attempt. False if all that are there have
   * passed it on.
   * @param {any} job
   * @param {string} token
   * @param {string} key the job's
   * @param {AbortSignal} signal
   */
  async #passOn(job, token, key, signal) {
    const { isGone, isRefused, times } = await passOn.note(this.#redis, this.#keys, key, this.#id)
    // Its caller no longer wants it.
    if (isGone) return true
    if (isRefused) return false
    this.#reportBegun(job, false)
    await passOn.rest(job, token, times, signal)
    return true
  }

  /**
   * @param {any} job
   * @param {AbortSignal} signal
   * @returns {Promise<import('./wire.js').Result>}
   */
  async #compute(job, signal) {
    const { id, name, data, opts } = job
    signal.throwIfAborted()
    /** @type {import('./wire.js').Message} */
    const { version, caller, input, options, sizes = [], deadline, priority, key, weight, maxThreads, progress } = data
    if (version !== VERSION) throw new UnknownVersion(`No worker knows version ${version} of heavy-load's messages`)
    if (timesBegun(job) >= opts.attempts) throw attemptsExhausted(job)
    this.#reportBegun(job, true)
    const parts = await payloads.read(this.#redis, this.#keys.input(id), sizes)
    const left = async () => (deadline === undefined ? Infinity : deadline - (await this.#clock.now()))
    const timeout = await left()
    if (timeout <= 0) throw late(name)
    const times = new Times()
    const value = await this.#config.pool.run(name, unpack(input, parts), {
      ...unpack(options, parts),
      signal,
      timeout,
      priority,
      key,
      weight,
      maxThreads,
      // Nobody else has it.
      transfer: true,
      onProgress: progress ? this.#progress(caller, id) : undefined,
      [TIMES]: times,
    })
    /** @type {import('./wire.js').Parts} */
    const results = []
    const packed = pack(
      value,
      results,
      (buffer) => new Uint8Array(buffer.buffer ?? buffer, buffer.byteOffset, buffer.byteLength),
    )
    if (results.length > 0) await this.#keep(job, results, signal, left)
    return { value: packed, sizes: results.map(sizeIn), run: times.run }
  }

  /**
   * Puts a result's bytes into Redis. One that is full, or cannot write now for another reason, is offered them again, as long as
   * somebody waits: to do the work once more would make no room.
   * @param {any} job
   * @param {import('./wire.js').Parts} parts
   * @param {AbortSignal} signal
   * @param {() => Promise<number>} left milliseconds until its deadline
   */
  async #keep({ id, name }, parts, signal, left) {
    const key = this.#keys.result(id)
    for (;;) {
      try {
        await payloads.write(this.#redis, key, parts, this.#config.resultTtl)
        return
      } catch (error) {
        if (!isRefusal(error)) throw error
        // What there was room for is of no use without the rest.
        this.#redis.unlink(key).catch(() => {})
        this.#reportRefused(error)
        if (!isTemporary(error)) throw refusedBy(this.#redis, error)
        if ((await left()) <= 0) throw late(name)
      }
      await sleep(KEEP_AGAIN_MS, undefined, { signal })
    }
  }

  /** @param {unknown} error */
  #reportRefused(error) {
    this.#config.onError(refusedBy(this.#redis, error))
  }

  /**
   * Reports to a caller that asked for it that a worker has begun its job, or has given it back undone.
   * @param {any} job
   * @param {boolean} begun
   */
  #reportBegun({ id, data: { caller, begun: wantsBegun } }, begun) {
    if (wantsBegun === true) this.#outbox.send(caller, id, { begun }).catch(() => {})
  }

  /**
   * @param {any} job
   * @param {import('./wire.js').Reply} reply the last
   */
  async #answer({ id, data: { caller, sizes = [] } }, reply) {
    await this.#outbox.send(caller, id, reply)
    // It has been answered, whatever becomes of its input, which has a time to live.
    if (sizes.length === 0) return
    try {
      await this.#redis.unlink(this.#keys.input(id))
    } catch (error) {
      this.#reportRefused(error)
    }
  }

  /**
   * @param {string} caller
   * @param {string} id
   */
  #progress(caller, id) {
    let reported = Number.NEGATIVE_INFINITY
    return (/** @type {number} */ fraction) => {
      const now = performance.now()
      // The end has a message of its own.
      if (now - reported < PROGRESS_MS || fraction === 1) return
      reported = now
      this.#outbox.send(caller, id, { progress: fraction }).catch(() => {})
    }
  }

  /**
   * Stops jobs that are no more: Redis has lost them, or their callers removed them, and whoever said so was not heard. One
   * that is there, but which another worker has taken for abandoned, goes on: its answer may be the first.
   * @param {string[]} ids of jobs whose locks are lost
   * @param {Queue['toKey']} toKey
   */
  async dropLost(ids, toKey) {
    for (const id of ids) {
      const isThere = await this.#redis.exists(toKey(id))
      if (!isThere) this.#running.get(id)?.control.abort(UNWANTED)
    }
  }

  /**
   * Its caller no longer wants a job, which may not have come yet.
   * @param {string} id
   */
  stop(id) {
    const work = this.#running.get(id)
    if (work !== undefined) {
      work.control.abort(UNWANTED)
      return
    }
    if (id.length > LONGEST_ID) return
    this.#unwanted.add(id)
    if (this.#unwanted.size > MOST_REMEMBERED) {
      for (const oldest of this.#unwanted) {
        this.#unwanted.delete(oldest)
        break
      }
    }
  }

  /** Gives back the jobs that are here, and those that still come. */
  leave() {
    this.#isLeaving = true
    for (const { control } of this.#running.values()) control.abort(LEAVING)
  }

  /** Resolves when all that has begun is computed, whatever came of it. */
  computed() {
    return Promise.allSettled([...this.#running.values()].map(({ result }) => result))
  }

  /** Whether no job is here, and no answer that Redis does not have. */
  get isIdle() {
    return this.#running.size === 0 && this.#outbox.isEmpty
  }

  /** Resolves when Redis has all answers. */
  answered() {
    return this.#outbox.emptied()
  }
}

/**
 * How often a job has been begun before: attempts that failed, and workers that died. What was given back does not count.
 * @param {any} job
 * @returns {number}
 */
function timesBegun({ attemptsMade, stalledCounter }) {
  return attemptsMade + stalledCounter
}

/**
 * Whether another attempt would make no difference, or there is none left.
 * @param {any} error
 * @param {any} job
 */
function isFinal(error, job) {
  return factsOf(codeOf(error))?.elsewhere === 'never' || timesBegun(job) + 1 >= job.opts.attempts
}

/**
 * @param {import('./connection.js').Redis} redis
 * @param {any} error
 */
function refusedBy(redis, error) {
  return remoteError(`${nameOf(redis)} refuses results: ${error.message}`, error)
}

/** @param {any} job begun too often; those whose worker died could not say why */
function attemptsExhausted({ opts: { attempts }, failedReason }) {
  const message = `The task was begun ${attempts} times and not done: its workers died`
  return failedReason ? remoteError(`${message}, or failed: ${failedReason}`) : remoteError(message)
}

module.exports = { WorkerJobs }
