'use strict'

/**
 * The worker's side: its connections, and how it takes its leave. What it does with jobs is in worker-jobs.js. Invariant: nothing here
 * computes. The event loop is free, so that the jobs' locks are renewed in time and no job that runs is taken for abandoned.
 */

const { randomUUID } = require('node:crypto')
const { version } = require('../../package.json')
const { close } = require('../closing.js')
const { clearInterval, performance, setInterval } = require('../host.js')
const { Clock } = require('./clock.js')
const {
  CLOSE_TIMEOUT_MS,
  connect,
  connectionSettings,
  hangUp,
  hangUpForGood,
  nameOf,
  ready,
  rejectAtEnd,
  remoteError,
  requireOptional,
  settleWithin,
  waitUntilReady,
  within,
} = require('./connection.js')
const { OPTIONS, workerConfig } = require('./worker-config.js')
const { WorkerJobs } = require('./worker-jobs.js')
const { VERSION, keysOf } = require('./wire.js')
const workers = require('./workers.js')

/** How soon BullMQ tries again what a Redis that is away has made fail, in milliseconds. */
const BULLMQ_RETRY_MS = 500
/** How long a worker without jobs sleeps, in seconds: of jobs that are given back BullMQ wakes nobody. */
const DRAIN_DELAY_S = 1
/** What BullMQ says, of each job, when it finds that another may have it by now. */
const NO_MORE_OURS = /^(?:Missing (?:lock|key) for job|could not renew lock for job) /
/** A worker to which Redis has not answered for so long is not ready, in milliseconds. */
const UNHEARD_MS = 3000

/**
 * Starts a worker; resolves when it takes jobs.
 * @param {any} options
 */
async function startWorker(options) {
  const worker = new RemoteWorker(connectionSettings(options, OPTIONS), workerConfig(options))
  await worker.start()
  return worker
}

/** Takes tasks from the queue, and runs them on a pool. */
class RemoteWorker {
  #connectionSettings
  #config
  #keys
  #redis
  #subscriber
  /** @type {import('./connection.js').Redis[]} BullMQ's own */
  #duplicates = []
  #clock
  #id = randomUUID()
  #jobs
  /** When Redis took its last report, by performance.now(). */
  #heard = Number.NEGATIVE_INFINITY
  /** @type {NodeJS.Timeout | undefined} */
  #reporting
  /** @type {any} BullMQ's; none until Redis has answered */
  #worker
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

  /**
   * @param {import('./connection.js').ConnectionSettings} settings
   * @param {ReturnType<typeof workerConfig>} config
   */
  constructor(settings, config) {
    this.#connectionSettings = settings
    this.#config = config
    this.#keys = keysOf(settings)
    this.#redis = connect(settings.connection)
    this.#subscriber = connect(settings.connection, { autoResubscribe: false })
    this.#clock = new Clock(this.#redis)
    this.#jobs = new WorkerJobs(this.#id, this.#redis, this.#keys, this.#clock, config)
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
      await within(this.#redis, this.#connectionSettings.connectTimeout, this.#connect())
    } catch (error) {
      // What has begun by then ends, and jobs that it has taken are given back.
      if (this.#worker === undefined) this.#giveUp()
      await this.close({ force: true })
      throw error
    }
  }

  async #connect() {
    const { DelayedError, UnrecoverableError, WaitingError, Worker } = requireOptional('bullmq')
    const { connectTimeout, prefix, queue } = this.#connectionSettings
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
    this.#subscriber.on('message', (/** @type {string} */ _channel, /** @type {string} */ id) => this.#jobs.stop(id))
    await Promise.all([this.#clock.set(), this.#subscriber.subscribe(this.#keys.stop), this.#report()])
    // Its time was over meanwhile.
    if (this.#ended !== undefined) return
    // BullMQ waits for jobs on a connection of its own, which it makes of this one.
    const duplicate = this.#redis.duplicate.bind(this.#redis)
    this.#redis.duplicate = (/** @type {any[]} */ ...args) => {
      const made = duplicate(...args)
      this.#duplicates.push(made)
      rejectAtEnd(made)
      return made
    }
    /** @type {import('./worker-jobs.js').Queue} */
    const source = {
      toKey: (id) => this.#worker.toKey(id),
      errors: { DelayedError, UnrecoverableError, WaitingError },
    }
    this.#worker = new Worker(
      queue,
      (/** @type {any} */ job, /** @type {string} */ token) => this.#jobs.run(job, token, source),
      {
        connection: this.#redis,
        // Which messages it knows: where those can see it who ask BullMQ for the queue's workers.
        name: `heavy-load@${version}/protocol-${VERSION}`,
        prefix,
        concurrency,
        lockDuration,
        stalledInterval,
        // `attempts` counts the deaths, too: see WorkerJobs.
        maxStalledCount: Number.MAX_SAFE_INTEGER,
        runRetryDelay: BULLMQ_RETRY_MS,
        drainDelay: DRAIN_DELAY_S,
        // Its reply is with the caller.
        removeOnComplete: { count: 0 },
        removeOnFail: { count: 0 },
      },
    )
    this.#worker.on('error', (/** @type {Error} */ error) =>
      onError(NO_MORE_OURS.test(error.message) ? lostJobs() : error),
    )
    this.#worker.on('lockRenewalFailed', (/** @type {string[]} */ ids) =>
      this.#jobs.dropLost(ids, source.toKey).catch(() => {}),
    )
    await this.#worker.waitUntilReady()
    if (this.#ended !== undefined) return
    // To a Redis that is away it is reported when that is back.
    this.#reporting = setInterval(() => {
      if (this.#redis.status === 'ready') this.#report().catch(() => {})
    }, workers.EVERY_MS)
    this.#reporting.unref()
  }

  /** Reports to callers, and to other workers, what this one is and does. */
  async #report() {
    const { pool, concurrency } = this.#config
    const { threads, utilization, memory } = pool.stats()
    const facts = { protocol: VERSION, threads, concurrency, done: this.#jobs.done, utilization, memory }
    await workers.report(this.#redis, this.#keys, this.#id, facts)
    this.#heard = performance.now()
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
    this.#ended ??= this.#finish()
    this.#closed ??= Promise.race([this.#ended, this.#givenUp]).then(() => this.#disconnect())
    return this.#closed
  }

  async #finish() {
    clearInterval(this.#reporting)
    // Callers are not to count on it any more.
    if (this.#redis.status === 'ready') this.#redis.hdel(this.#keys.workers, this.#id).catch(() => {})
    // BullMQ waits for the end of its own connection, which it is not told if that is away.
    for (const redis of this.#duplicates) if (redis.status !== 'ready') hangUp(redis)
    // BullMQ's own close, unless forced, waits for a Redis that is away, renews locks meanwhile, and cannot be stopped. Its pause
    // waits for the jobs, too, and then connects once more, which may fail.
    const paused = this.#worker?.pause().catch(() => {})
    const over = Promise.race([this.#lost(), this.#givenUp])
    await Promise.race([paused, over])
    await this.#worker?.close(true)
    await Promise.race([this.#jobs.answered(), over])
  }

  /** Resolves if Redis is away, all that has begun is done, and Redis did not come back within a while to take the answers, if there are any. */
  async #lost() {
    for (;;) {
      if (this.#redis.status === 'ready') await new Promise((resolve) => this.#redis.once('close', resolve))
      await this.#jobs.computed()
      if (this.#redis.status === 'end' || this.#jobs.isIdle) return
      try {
        await ready(this.#redis, CLOSE_TIMEOUT_MS)
      } catch {
        return
      }
    }
  }

  /** Gives the jobs back. */
  #leave() {
    this.#jobs.leave()
    // To a Redis that is away nothing can be given: others will find these jobs abandoned.
    if (this.#redis.status !== 'ready') this.#giveUp()
    else settleWithin(CLOSE_TIMEOUT_MS, /** @type {Promise<void>} */ (this.#ended)).then(() => this.#giveUp())
  }

  #disconnect() {
    // Not before this one, since what is asked of it may keep BullMQ from ending; and after it BullMQ would connect once more.
    hangUp(this.#redis)
    hangUp(this.#subscriber)
    for (const redis of this.#duplicates) hangUpForGood(redis)
  }
}

/** That jobs' locks were lost: one error for all of them, since what becomes of each is the same. */
function lostJobs() {
  const why = "Redis was away for longer than jobs' locks last, or this process stood still"
  return remoteError(`${why}: other workers may do these jobs, too. Their callers take the first answer`)
}

module.exports = { startWorker }
