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

const { randomUUID } = require('node:crypto')
const { setTimeout: sleep } = require('node:timers/promises')
const { version } = require('../../package.json')
const { close } = require('../closing.js')
const { codeOf, factsOf, invalidType, late } = require('../errors.js')
const { AbortController, clearInterval, performance, setInterval, throwApart } = require('../host.js')
const { TIMES, Times } = require('../observe.js')
const { LONGEST_TIMER, integer } = require('../options.js')
const { Pool, defaultPool } = require('../pool/index.js')
const { withoutRepeats } = require('../repeats.js')
const { Clock } = require('./clock.js')
const {
  CLOSE_TIMEOUT_MS,
  connect,
  hangUpForGood,
  isRefusal,
  isTemporary,
  nameOf,
  ready,
  requireOptional,
  connectionSettings,
  waitUntilReady,
  remoteError,
  settleWithin,
} = require('./connection.js')
const passOn = require('./pass-on.js')
const payloads = require('./payloads.js')
const { Outbox } = require('./replies.js')
const { VERSION, keysOf, pack, packError, unpack } = require('./wire.js')
const workers = require('./workers.js')

/** A caller's ids of jobs that are to stop come by another way than the jobs, and may be first: so many are remembered. */
const MOST_REMEMBERED = 10_000
/** How often a caller is told of progress, in milliseconds. */
const PROGRESS_MS = 100
/** How soon BullMQ tries again what a Redis that is away has made fail, in milliseconds. */
const BULLMQ_RETRY_MS = 500
/** How long a worker without jobs sleeps, in seconds: of jobs that are given back BullMQ wakes nobody. */
const DRAIN_DELAY_S = 1
/** Locks are short, because a worker's death is noticed only when they end; to renew them costs little. Milliseconds. */
const LOCK_MS = 3000
/** Until a result is offered again to a Redis that has refused it, in milliseconds. */
const KEEP_AGAIN_MS = 500
/** How often the same is reported, in milliseconds. */
const REPORT_AGAIN_MS = 1000
/** Characters of a message by which it is known: it may have a stranger's id in it, as long as they like. */
const LONGEST_MESSAGE = 200
const NUMBERS_AND_IDS = /[\da-f-]*\d[\da-f-]*/gi
/** Without a word from Redis for so long, a worker is not ready, in milliseconds. */
const UNHEARD_MS = 3000
const OPTIONS = ['pool', 'concurrency', 'lockDuration', 'stalledInterval', 'resultTtl', 'onError']
/** A message of another version. */
class UnknownVersion extends Error {}
/** Why a running job is stopped. */
const UNWANTED = Symbol('its caller wants it no more, or it is lost')
const LEAVING = Symbol('this worker takes its leave')

/**
 * Starts a worker; resolves when it takes jobs.
 * @param {any} options
 */
async function startWorker(options) {
  const worker = new RemoteWorker(connectionSettings(options, OPTIONS), workerConfig(options))
  await worker.start()
  return worker
}

/** @param {any} options */
function workerConfig(options) {
  const { pool = defaultPool, lockDuration = LOCK_MS, resultTtl = 3_600_000, onError = () => {} } = options
  if (!(pool instanceof Pool)) throw invalidType('options.pool', 'an instance of Pool', pool)
  if (typeof onError !== 'function') throw invalidType('options.onError', 'of type function', onError)
  const { concurrency = Math.max(16, 4 * pool.threads), stalledInterval = Math.ceil(lockDuration / 4) } = options
  return {
    pool,
    onError: reporter(onError),
    concurrency: integer('options.concurrency', concurrency, 1, 2 ** 31 - 1),
    lockDuration: integer('options.lockDuration', lockDuration, 100, LONGEST_TIMER),
    stalledInterval: integer('options.stalledInterval', stalledInterval, 10, LONGEST_TIMER),
    resultTtl: integer('options.resultTtl', resultTtl, 1, Number.MAX_SAFE_INTEGER),
  }
}

/**
 * Reports errors; of those that are alike but for the numbers and ids in their messages, as each try to reach Redis makes one, one a while.
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
      // It is not to stop what it was called from.
      throwApart(thrown)
    }
  }
}

/** Takes tasks from the queue, and runs them on a pool. */
class RemoteWorker {
  #place
  #config
  #keys
  #redis
  #subscriber
  /** @type {import('./connection.js').Redis[]} BullMQ's own */
  #duplicates = []
  #clock
  #outbox
  #id = randomUUID()
  /** Jobs that it has ended. */
  #done = 0
  /** When Redis took its last report, by performance.now(). */
  #heard = Number.NEGATIVE_INFINITY
  /** @type {NodeJS.Timeout | undefined} */
  #reporting
  /** @type {any} BullMQ's; none until Redis has answered */
  #worker
  /** The jobs that run here, with what stops them. @type {Map<string, { control: AbortController, result: Promise<any>, holders: number }>} */
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
    this.#subscriber = connect(place.connection, { autoResubscribe: false })
    this.#clock = new Clock(this.#redis)
    this.#outbox = new Outbox(this.#redis, this.#keys.replies, (error) => this.#tellRefused(error))
  }

  get pool() {
    return this.#config.pool
  }

  get concurrency() {
    return this.#config.concurrency
  }

  get ready() {
    const isConnected = this.#redis.status === 'ready' && this.#subscriber.status === 'ready'
    return isConnected && this.#ended === undefined && performance.now() - this.#heard < UNHEARD_MS
  }

  async start() {
    try {
      await this.#connect()
    } catch (error) {
      // What has begun by then ends, and jobs that it has taken are given back.
      await this.close({ force: true })
      throw error
    }
  }

  async #connect() {
    const { DelayedError, UnrecoverableError, WaitingError, Worker } = requireOptional('bullmq')
    const { connectTimeout, prefix, queue } = this.#place
    const { concurrency, lockDuration, stalledInterval, onError } = this.#config
    await Promise.all([waitUntilReady(this.#redis, connectTimeout), waitUntilReady(this.#subscriber, connectTimeout)])
    this.#redis.on('ready', () => this.#clock.set().catch(() => {}))
    // Not by ioredis: a connection that is closed just then would have its own attempt reject, which nobody could catch.
    this.#subscriber.on('ready', () => this.#subscriber.subscribe(this.#keys.stop).catch(() => {}))
    for (const redis of [this.#redis, this.#subscriber]) {
      redis.once('end', () => {
        if (this.#ended === undefined)
          onError(remoteError(`${nameOf(redis)} is away, and is not tried again`, redis.lastError))
      })
    }
    this.#subscriber.on('message', (/** @type {string} */ _channel, /** @type {string} */ id) => this.#stop(id))
    await Promise.all([this.#clock.set(), this.#subscriber.subscribe(this.#keys.stop), this.#report()])
    const errors = { DelayedError, UnrecoverableError, WaitingError }
    // BullMQ waits for jobs on a connection of its own, which it makes of this one.
    const duplicate = this.#redis.duplicate.bind(this.#redis)
    this.#redis.duplicate = (/** @type {any[]} */ ...args) => {
      const made = duplicate(...args)
      this.#duplicates.push(made)
      return made
    }
    this.#worker = new Worker(
      queue,
      (/** @type {any} */ job, /** @type {string} */ token) => this.#work(job, token, errors),
      {
        connection: this.#redis,
        // Which messages it knows: where those can see it who ask BullMQ for the queue's workers.
        name: `heavy-load@${version}/protocol-${VERSION}`,
        prefix,
        concurrency,
        lockDuration,
        stalledInterval,
        // `attempts` counts the deaths, too: see #work.
        maxStalledCount: Number.MAX_SAFE_INTEGER,
        runRetryDelay: BULLMQ_RETRY_MS,
        drainDelay: DRAIN_DELAY_S,
        // Its reply is with the caller.
        removeOnComplete: { count: 0 },
        removeOnFail: { count: 0 },
      },
    )
    this.#worker.on('error', onError)
    this.#worker.on('lockRenewalFailed', (/** @type {string[]} */ ids) => this.#dropLost(ids).catch(() => {}))
    await this.#worker.waitUntilReady()
    // A Redis that is away is told when it is back.
    this.#reporting = setInterval(() => {
      if (this.#redis.status === 'ready') this.#report().catch(() => {})
    }, workers.EVERY)
    this.#reporting.unref()
  }

  /** Tells callers, and other workers, what this one is and does. */
  async #report() {
    const { pool, concurrency } = this.#config
    const { threads, utilization, memory } = pool.stats()
    const facts = { protocol: VERSION, threads, concurrency, done: this.#done, utilization, memory }
    await workers.tell(this.#redis, this.#keys, this.#id, facts)
    this.#heard = performance.now()
  }

  /**
   * One job, from the queue to its end. What it throws is for BullMQ, which puts the job back, delays it or ends it.
   * @param {any} job
   * @param {string} token
   * @param {Record<string, any>} errors BullMQ's
   */
  async #work(job, token, { DelayedError, UnrecoverableError, WaitingError }) {
    if (typeof job.data?.caller !== 'string') throw new UnrecoverableError('This is no job of heavy-load')
    // A job whose lock was lost may come here a second time: it is not computed twice.
    const work = this.#running.get(job.id) ?? this.#begin(job)
    const { control, result } = work
    work.holders++
    try {
      await this.#answer(job, await result)
      this.#done++
    } catch (error) {
      if (control.signal.reason === LEAVING) {
        this.#tellBegun(job, false)
        await job.moveToWait(token)
        throw new WaitingError()
      }
      if (control.signal.reason === UNWANTED) return
      const isNotHere = error instanceof UnknownVersion || factsOf(codeOf(error))?.elsewhere === 'uncounted'
      if (isNotHere && (await this.#passOn(job, token, control.signal))) throw new DelayedError()
      if (!isNotHere && !isFinal(error, job)) {
        this.#tellBegun(job, false)
        throw error
      }
      await this.#answer(job, {
        error: packError(error instanceof UnknownVersion ? remoteError(error.message) : error),
      })
      this.#done++
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
   * @param {AbortSignal} signal
   */
  async #passOn(job, token, signal) {
    const key = this.#worker.toKey(job.id)
    const { isGone, isRefused, times } = await passOn.note(this.#redis, this.#keys, key, this.#id)
    // Its caller wants it no more.
    if (isGone) return true
    if (isRefused) return false
    this.#tellBegun(job, false)
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
    this.#tellBegun(job, true)
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
    return { value: packed, sizes: results.map((part) => part.byteLength), run: times.run }
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
    for (;;) {
      try {
        await payloads.write(this.#redis, this.#keys.result(id), parts, this.#config.resultTtl)
        return
      } catch (error) {
        if (!isRefusal(error)) throw error
        this.#tellRefused(error)
        if (!isTemporary(error)) throw refusedBy(this.#redis, error)
        if ((await left()) <= 0) throw late(name)
      }
      await sleep(KEEP_AGAIN_MS, undefined, { signal })
    }
  }

  /** @param {unknown} error */
  #tellRefused(error) {
    this.#config.onError(refusedBy(this.#redis, error))
  }

  /**
   * Tells a caller that wants to know it that its job has come to a worker, or has left it undone.
   * @param {any} job
   * @param {boolean} begun
   */
  #tellBegun({ id, data: { caller, begun: wantsBegun } }, begun) {
    if (wantsBegun === true) this.#outbox.send(caller, id, { begun }).catch(() => {})
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
      if (now - told < PROGRESS_MS || fraction === 1) return
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
      if (!isThere) this.#running.get(id)?.control.abort(UNWANTED)
    }
  }

  /** @param {string} id */
  #stop(id) {
    const work = this.#running.get(id)
    if (work !== undefined) {
      work.control.abort(UNWANTED)
      return
    }
    this.#unwanted.add(id)
    if (this.#unwanted.size > MOST_REMEMBERED) {
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
    clearInterval(this.#reporting)
    // Callers are not to count on it any more.
    if (isReachable) this.#redis.hdel(this.#keys.workers, this.#id).catch(() => {})
    // BullMQ's own close, unless forced, waits for a Redis that is away, renews locks meanwhile, and cannot be told to stop. Its pause
    // waits for the jobs, too, and then connects once more, which may fail.
    const paused = isReachable ? this.#worker?.pause().catch(() => {}) : this.#computed()
    const over = Promise.race([this.#lost(), this.#givenUp])
    await Promise.race([paused, over])
    await this.#worker?.close(true)
    if (isReachable) await Promise.race([this.#outbox.emptied(), over])
  }

  /** Resolves if Redis has gone, all that has begun is done, and it could not be told within a while. */
  async #lost() {
    for (;;) {
      if (this.#redis.status === 'ready') await new Promise((resolve) => this.#redis.once('close', resolve))
      await this.#computed()
      if (this.#redis.status === 'end') return
      try {
        await ready(this.#redis, CLOSE_TIMEOUT_MS)
      } catch {
        return
      }
    }
  }

  /** All that has begun is done. */
  #computed() {
    return Promise.allSettled([...this.#running.values()].map(({ result }) => result))
  }

  /** Gives the jobs back. */
  #leave() {
    this.#isLeaving = true
    for (const { control } of this.#running.values()) control.abort(LEAVING)
    // To a Redis that is away nothing can be given: others will find these jobs abandoned.
    if (this.#redis.status !== 'ready') this.#giveUp()
    else settleWithin(CLOSE_TIMEOUT_MS, /** @type {Promise<void>} */ (this.#ended)).then(() => this.#giveUp())
  }

  #disconnect() {
    // Not before this one, since what is asked of it may keep BullMQ from ending; and after it BullMQ would connect once more.
    this.#redis.disconnect()
    this.#subscriber.disconnect()
    for (const redis of this.#duplicates) hangUpForGood(redis)
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

module.exports = { startWorker }
