'use strict'

/**
 * The worker's side. Invariants:
 * 1. A job is answered before it leaves the queue, on the same connection, so that Redis does the one before the other: a
 *    worker that dies in between leaves it to another, whose answer is then the second. No answer is lost, and callers take
 *    the first.
 * 2. A job's input stays in Redis until it is answered for good, so that another attempt finds it.
 * 3. Nothing here computes: the event loop is free, so that the jobs' locks are renewed in time and no job that runs is taken
 *    for abandoned.
 */

const { close } = require('../closing.js')
const { makeError, invalidType } = require('../errors.js')
const { AbortController, performance } = require('../host.js')
const { TIMES, Times } = require('../observe.js')
const { LONGEST_TIMER, integer } = require('../options.js')
const { Pool, defaultPool } = require('../pool.js')
const { Clock } = require('./clock.js')
const { LAST_WORDS, connect, peer, place, reach, remoteError, within } = require('./connection.js')
const payloads = require('./payloads.js')
const { Outbox } = require('./replies.js')
const { VERSION, keysOf, pack, packError, unpack } = require('./wire.js')

/** A caller's ids of jobs that are to stop come by another way than the jobs, and may be first: so many are remembered. */
const REMEMBERED = 10_000
/** How often a caller is told of progress, in milliseconds. */
const PROGRESS_EVERY = 100
/** How soon BullMQ tries again what a Redis that is away has made fail, in milliseconds. */
const RETRY_DELAY = 500
/** How long a worker without jobs sleeps, in seconds: of jobs that are given back BullMQ wakes nobody. */
const LONGEST_SLEEP = 1
/** What would go wrong again, wherever it is tried. */
const FINAL = new Set([
  'ERR_INVALID_ARG_TYPE',
  'ERR_INVALID_ARG_VALUE',
  'ERR_INVALID_DATA',
  'ERR_OUTPUT_TOO_LARGE',
  'ERR_OUT_OF_RANGE',
  'ERR_TASK_TIMEOUT',
  'ERR_UNKNOWN_KERNEL',
])
/** Why a running job is stopped. */
const UNWANTED = Symbol('its caller wants it no more, or it is lost')
const LEAVING = Symbol('this worker takes its leave')

/**
 * Starts a worker; resolves when it takes jobs.
 * @param {any} options
 */
async function startWorker(options) {
  const worker = new RemoteWorker(place(options), workerConfig(options))
  await worker.start()
  return worker
}

/** @param {any} options */
function workerConfig(options) {
  const { pool = defaultPool, lockDuration = 10_000, resultTtl = 3_600_000, onError = () => {} } = options
  if (!(pool instanceof Pool)) throw invalidType('options.pool', 'an instance of Pool', pool)
  if (typeof onError !== 'function') throw invalidType('options.onError', 'of type function', onError)
  const { concurrency = Math.max(16, 4 * pool.threads), stalledInterval = Math.ceil(lockDuration / 2) } = options
  return {
    pool,
    onError,
    concurrency: integer('options.concurrency', concurrency, 1, 2 ** 31 - 1),
    lockDuration: integer('options.lockDuration', lockDuration, 100, LONGEST_TIMER),
    stalledInterval: integer('options.stalledInterval', stalledInterval, 10, LONGEST_TIMER),
    resultTtl: integer('options.resultTtl', resultTtl, 1, Number.MAX_SAFE_INTEGER),
  }
}

/** Takes tasks from the queue, and runs them on a pool. */
class RemoteWorker {
  #place
  #config
  #keys
  #redis
  #subscriber
  #clock = new Clock()
  #outbox
  /** @type {any} BullMQ's */
  #worker
  /** What stops the jobs that run here. @type {Map<string, AbortController>} */
  #running = new Map()
  /** Ids of jobs that are not to run here, oldest first. @type {Set<string>} */
  #unwanted = new Set()
  /** That BullMQ's worker has ended. @type {Promise<void> | undefined} */
  #ended
  /** That nobody waits for that any more. */
  #giveUp = () => {}
  #givenUp = /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      this.#giveUp = resolve
    })
  )
  /** @type {Promise<void> | undefined} */
  #closed
  /** Whether jobs are given back: also those that BullMQ was fetching when that began. */
  #isLeaving = false

  /**
   * @param {import('./connection.js').Place} place
   * @param {ReturnType<typeof workerConfig>} config
   */
  constructor(place, config) {
    this.#place = place
    this.#config = config
    this.#keys = keysOf(place)
    this.#redis = connect(place.connection)
    this.#subscriber = connect(place.connection)
    this.#outbox = new Outbox(this.#redis, this.#keys.replies)
  }

  get pool() {
    return this.#config.pool
  }

  get concurrency() {
    return this.#config.concurrency
  }

  async start() {
    try {
      await this.#connect()
    } catch (error) {
      this.#disconnect()
      throw error
    }
  }

  async #connect() {
    const { UnrecoverableError, WaitingError, Worker } = peer('bullmq')
    const { connectTimeout, prefix, queue } = this.#place
    const { concurrency, lockDuration, stalledInterval, onError } = this.#config
    await Promise.all([reach(this.#redis, connectTimeout), reach(this.#subscriber, connectTimeout)])
    this.#redis.on('ready', () => this.#clock.set(this.#redis).catch(() => {}))
    this.#subscriber.on('message', (/** @type {string} */ _channel, /** @type {string} */ id) => this.#stop(id))
    await Promise.all([this.#clock.set(this.#redis), this.#subscriber.subscribe(this.#keys.stop)])
    const errors = { UnrecoverableError, WaitingError }
    this.#worker = new Worker(
      queue,
      (/** @type {any} */ job, /** @type {string} */ token) => this.#work(job, token, errors),
      {
        connection: this.#redis,
        prefix,
        concurrency,
        lockDuration,
        stalledInterval,
        // `attempts` counts the deaths, too: see #work.
        maxStalledCount: Number.MAX_SAFE_INTEGER,
        runRetryDelay: RETRY_DELAY,
        drainDelay: LONGEST_SLEEP,
        // Its reply is with the caller.
        removeOnComplete: { count: 0 },
        removeOnFail: { count: 0 },
      },
    )
    this.#worker.on('error', onError)
    this.#worker.on('lockRenewalFailed', (/** @type {string[]} */ ids) => this.#dropLost(ids).catch(() => {}))
    await this.#worker.waitUntilReady()
  }

  /**
   * One job, from the queue to its end. What it throws is for BullMQ, which puts the job back, delays it or ends it.
   * @param {any} job
   * @param {string} token
   * @param {Record<string, any>} errors BullMQ's
   */
  async #work(job, token, { UnrecoverableError, WaitingError }) {
    const control = new AbortController()
    this.#running.set(job.id, control)
    if (this.#isLeaving) control.abort(LEAVING)
    if (this.#unwanted.delete(job.id)) control.abort(UNWANTED)
    try {
      const result = await this.#compute(job, control.signal)
      await this.#answer(job, result)
    } catch (error) {
      if (control.signal.reason === LEAVING) {
        await job.moveToWait(token)
        throw new WaitingError()
      }
      if (control.signal.reason === UNWANTED) return
      if (!isFinal(error, job)) throw error
      await this.#answer(job, { error: packError(error) })
      throw new UnrecoverableError(/** @type {Error} */ (error).message)
    } finally {
      // A job whose lock was lost may have come here a second time.
      if (this.#running.get(job.id) === control) this.#running.delete(job.id)
    }
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
    if (version !== VERSION) throw remoteError(`This worker does not know version ${version} of heavy-load's messages`)
    if (begun(job) >= opts.attempts) throw worn(job)
    const parts = await payloads.read(this.#redis, this.#keys.input(id), sizes)
    const timeout = deadline === undefined ? Infinity : deadline - this.#clock.now()
    if (timeout <= 0) throw makeError('ERR_TASK_TIMEOUT', 'The task was not done within its timeout')
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
    if (results.length > 0) await payloads.write(this.#redis, this.#keys.result(id), results, this.#config.resultTtl)
    return { value: packed, sizes: results.map((part) => part.byteLength), run: times.run }
  }

  /**
   * @param {any} job
   * @param {import('./wire.js').Reply} reply the last
   */
  async #answer({ id, data: { caller, sizes = [] } }, reply) {
    await this.#outbox.send(caller, id, reply)
    if (sizes.length > 0) await this.#redis.unlink(this.#keys.input(id))
  }

  /**
   * @param {string} caller
   * @param {string} id
   */
  #progress(caller, id) {
    let told = Number.NEGATIVE_INFINITY
    return (/** @type {number} */ fraction) => {
      const now = performance.now()
      // The end has a message of its own.
      if (now - told < PROGRESS_EVERY || fraction === 1) return
      told = now
      this.#outbox.send(caller, id, { progress: fraction }).catch(() => {})
    }
  }

  /**
   * Stops jobs that are no more: Redis has lost them, or their callers removed them, and whoever said so was not heard. One
   * that is there, but which another worker has taken for abandoned, goes on: its answer may be the first.
   * @param {string[]} ids of jobs whose locks are lost
   */
  async #dropLost(ids) {
    for (const id of ids) {
      const isThere = await this.#redis.exists(this.#worker.toKey(id))
      if (!isThere) this.#running.get(id)?.abort(UNWANTED)
    }
  }

  /** @param {string} id */
  #stop(id) {
    const control = this.#running.get(id)
    if (control !== undefined) {
      control.abort(UNWANTED)
      return
    }
    this.#unwanted.add(id)
    if (this.#unwanted.size > REMEMBERED) {
      for (const oldest of this.#unwanted) {
        this.#unwanted.delete(oldest)
        break
      }
    }
  }

  /** @param {any} [options] */
  close(options = {}) {
    return close(
      options,
      () => this.#end(),
      () => this.#leave(),
    )
  }

  [Symbol.asyncDispose]() {
    return this.close()
  }

  #end() {
    this.#ended ??= this.#finish(this.#redis.status === 'ready')
    this.#closed ??= Promise.race([this.#ended, this.#givenUp]).then(() => this.#disconnect())
    return this.#closed
  }

  /** @param {boolean} isReachable whether Redis is */
  async #finish(isReachable) {
    // BullMQ would wait for a Redis that is away.
    await this.#worker.close(!isReachable)
    if (isReachable) await this.#outbox.emptied()
  }

  /** Gives the jobs back. */
  #leave() {
    this.#isLeaving = true
    for (const control of this.#running.values()) control.abort(LEAVING)
    // To a Redis that is away nothing can be given: others will find these jobs abandoned.
    if (this.#redis.status !== 'ready') this.#giveUp()
    else within(LAST_WORDS, /** @type {Promise<void>} */ (this.#ended)).then(() => this.#giveUp())
  }

  #disconnect() {
    this.#redis.disconnect()
    this.#subscriber.disconnect()
  }
}

/**
 * How often a job has been begun before: attempts that failed, and workers that died. What was given back does not count.
 * @param {any} job
 * @returns {number}
 */
function begun({ attemptsMade, stalledCounter }) {
  return attemptsMade + stalledCounter
}

/**
 * Whether another attempt would make no difference, or there is none left.
 * @param {any} error
 * @param {any} job
 */
function isFinal(error, job) {
  return FINAL.has(error?.code) || begun(job) + 1 >= job.opts.attempts
}

/** @param {any} job begun too often; those whose worker died could not say why */
function worn({ opts: { attempts }, failedReason }) {
  const message = `The task was begun ${attempts} times and not done: its workers died`
  return failedReason ? remoteError(`${message}, or failed: ${failedReason}`) : remoteError(message)
}

module.exports = { startWorker }
