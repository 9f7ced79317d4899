'use strict'

/**
 * The caller's side. Invariants:
 * 1. A task is in `#tasks` from the call until its promise is settled, by whoever takes it out: a reply, its signal or
 *    deadline, a failure on the way, or `close`. A second reply finds none and changes nothing.
 * 2. The input is copied, detached or held (frozen) before `run` returns; what JavaScript does to it later is not sent.
 * 3. What a task has in Redis is removed: the job by BullMQ when it has ended, its input by the worker, its result by
 *    whoever hears of it, also when nobody waits for it any more.
 */

const { AsyncResource } = require('node:async_hooks')
const { randomUUID } = require('node:crypto')
const { setTimeout: sleep } = require('node:timers/promises')
const { close } = require('../closing.js')
const { HeavyLoadError, aborted, invalidType, invalidValue, makeError, timedOut } = require('../errors.js')
const { clearTimeout, performance, setTimeout } = require('../host.js')
const { map } = require('../map.js')
const { isTraced, trace } = require('../observe.js')
const { LONGEST_TIMER, PRIORITIES, integer, object, refusePool, taskSettings } = require('../options.js')
const signals = require('../signals.js')
const { Clock } = require('./clock.js')
const { LAST_WORDS, connect, peer, place, reach, remoteError, within } = require('./connection.js')
const { packTask } = require('./input.js')
const payloads = require('./payloads.js')
const { Inbox } = require('./replies.js')
const { VERSION, keysOf, unpack, unpackError } = require('./wire.js')

const DAY = 86_400_000
/** Attempts to reach a Redis that was lost before what has been asked of it fails: some fifteen seconds. */
const RETRIES = 20
/** How long a worker is given to stop before it is told again, in milliseconds: doubled each time, up to a limit. */
const STOP_FIRST = 20
const STOP_EVERY = 1000
const STOP_TIMES = 60
/** Bytes stay so much longer than their task, in milliseconds: clocks differ. */
const GRACE = 10_000

/**
 * A task whose promise has not been settled.
 * @typedef {object} Task
 * @property {string} id
 * @property {string} kernel
 * @property {(value: any) => void} resolve
 * @property {(error: any) => void} reject
 * @property {import('../options.js').Settings} settings
 * @property {number} called by performance.now()
 * @property {boolean} sent whether Redis has had its job
 * @property {boolean} stopped whether that is to be stopped
 * @property {boolean} answered whether its result is being fetched
 * @property {NodeJS.Timeout | undefined} timer
 * @property {{ abort: (reason: unknown) => void }} watcher
 * @property {AsyncResource | undefined} context
 * @property {number} reported
 */

/** Runs tasks on other machines, over BullMQ and Redis. */
class RemotePool {
  #place
  #config
  #keys
  #caller = randomUUID()
  #made = 0
  /** @type {Map<string, Task>} */
  #tasks = new Map()
  /** What goes on beside the tasks: sending, stopping, fetching, removing. @type {Set<Promise<boolean>>} */
  #chores = new Set()
  /** @type {Promise<{ redis: any, queue: any, clock: Clock, inbox: Inbox }> | undefined} */
  #link
  /** Redis while it has not answered yet. @type {import('./connection.js').Redis} */
  #connecting
  /** @type {Promise<void> | undefined} */
  #closed
  /** @type {(() => void) | undefined} */
  #onEmpty

  /** @param {any} options */
  constructor(options) {
    this.#place = place(options)
    this.#config = remoteConfig(options)
    this.#keys = keysOf(this.#place)
  }

  get name() {
    return this.#place.queue
  }

  /**
   * @param {any} kernel
   * @param {any} input
   * @param {any} [options]
   * @returns {Promise<any>}
   */
  run(kernel, input, options) {
    const name = typeof kernel === 'function' ? kernel.kernel : kernel
    const promise = () =>
      new Promise((resolve, reject) => {
        if (typeof name !== 'string') throw invalidType('kernel', "a kernel or a kernel's name", kernel)
        if (options?.pool !== undefined) refusePool(options, this)
        this.#start(name, input, options === undefined ? {} : options, resolve, reject)
      })
    return isTraced() ? trace(name, this.name, promise) : promise()
  }

  /**
   * @param {any} kernel
   * @param {any} inputs
   * @param {any} [options]
   */
  map(kernel, inputs, options) {
    return map(this, kernel, inputs, options)
  }

  /** @param {any} [options] */
  close(options = {}) {
    const cancel = () => {
      const error = () => makeError('ERR_POOL_CLOSED', 'The pool was closed before the task was done')
      for (const task of this.#tasks.values()) this.#stop(task, error())
    }
    const end = () => {
      this.#closed ??= this.#end()
      return this.#closed
    }
    return close(options, end, cancel)
  }

  [Symbol.asyncDispose]() {
    return this.close()
  }

  /**
   * @param {string} kernel
   * @param {any} input
   * @param {any} options
   * @param {(value: any) => void} resolve
   * @param {(error: any) => void} reject
   */
  #start(kernel, input, options, resolve, reject) {
    if (this.#closed !== undefined) throw makeError('ERR_POOL_CLOSED', 'The pool is closed')
    const settings = taskSettings(options)
    const { signal, timeout, onProgress } = settings
    const before = signal === undefined ? undefined : signals.whichAborted(signal)
    if (before !== undefined) throw aborted({ cause: before.reason })
    const packed = packTask(kernel, input, options, settings)
    /** @type {Task} */
    const task = {
      id: `${this.#caller}-${this.#made++}`,
      kernel,
      resolve,
      reject,
      settings,
      called: performance.now(),
      sent: false,
      stopped: false,
      answered: false,
      timer: undefined,
      watcher: {
        abort: (reason) => this.#stop(task, aborted({ cause: reason })),
      },
      context: onProgress === undefined ? undefined : new AsyncResource('heavy-load.task'),
      reported: -1,
    }
    this.#tasks.set(task.id, task)
    try {
      if (signal !== undefined) {
        signals.watch(signal, task.watcher)
        // A getter of the options may have aborted it.
        const meanwhile = signals.whichAborted(signal)
        if (meanwhile !== undefined) task.watcher.abort(meanwhile.reason)
      }
    } catch (error) {
      // A signal of somebody else's make.
      this.#stop(task, error)
    }
    if (task.stopped) {
      packed.release()
      return
    }
    if (timeout <= LONGEST_TIMER) task.timer = setTimeout(() => this.#stop(task, timedOut(kernel, timeout)), timeout)
    this.#chore(this.#send(task, packed))
  }

  /**
   * @param {Task} task
   * @param {ReturnType<typeof packTask>} packed
   */
  async #send(task, { input, options, parts, release }) {
    try {
      const { redis, queue, clock } = await this.#open()
      if (task.stopped) return
      const { timeout, priority, key, weight, maxThreads, onProgress } = task.settings
      const left = timeout - (performance.now() - task.called)
      const deadline = timeout === Infinity ? undefined : clock.now() + left
      if (parts.length > 0) {
        const ttl = Math.min(this.#config.payloadTtl, Math.max(left, 0) + GRACE)
        await payloads.write(redis, this.#keys.input(task.id), parts, ttl)
      }
      /** @type {import('./wire.js').Message} */
      const message = {
        version: VERSION,
        caller: this.#caller,
        input,
        options,
        sizes: parts.length > 0 ? parts.map((part) => part.byteLength) : undefined,
        deadline,
        priority: PRIORITIES[priority],
        key,
        weight,
        maxThreads,
        progress: onProgress === undefined ? undefined : true,
      }
      if (!task.stopped) await queue.add(task.kernel, message, { ...this.#config.job, jobId: task.id, priority })
      task.sent = true
      // There was nothing to stop before.
      if (task.stopped) this.#chore(this.#stopJob(task))
    } catch (error) {
      this.#settle(task, () => task.reject(asRemote(error)))
    } finally {
      release()
    }
  }

  /**
   * Rejects now; the worker follows.
   * @param {Task} task
   * @param {any} error
   */
  #stop(task, error) {
    this.#settle(task, () => {
      task.stopped = true
      if (task.sent) this.#chore(this.#stopJob(task))
      task.reject(error)
    })
  }

  /**
   * Takes a job out of the queue, or has its worker stop it: until there is no such job any more.
   * @param {Task} task
   */
  async #stopJob({ id }) {
    const { redis, queue } = await this.#open()
    // It cannot be removed while a worker has it, and that one may just have lost its connection.
    for (let time = 0; time < STOP_TIMES && (await queue.remove(id)) === 0; time++) {
      await redis.publish(this.#keys.stop, id)
      await sleep(Math.min(STOP_FIRST * 2 ** time, STOP_EVERY))
    }
    await redis.unlink(this.#keys.input(id), this.#keys.result(id))
  }

  /**
   * @param {string} id
   * @param {string} json
   */
  #onReply(id, json) {
    const task = this.#tasks.get(id)
    try {
      this.#take(task, id, JSON.parse(json))
    } catch (error) {
      // Of a worker that is not like ours: the others' replies come through the same stream.
      if (task !== undefined) this.#settle(task, () => task.reject(remoteError('A reply that makes no sense', error)))
    }
  }

  /**
   * @param {Task | undefined} task
   * @param {string} id
   * @param {import('./wire.js').Reply} reply
   */
  #take(task, id, reply) {
    if ('value' in reply && reply.sizes.length > 0) {
      this.#chore(this.#fetch(task, id, reply))
    } else if (task === undefined) {
      // Done twice, or done for nobody.
    } else if ('value' in reply) {
      this.#succeed(task, reply, [])
    } else if ('progress' in reply) {
      this.#report(task, reply.progress)
    } else {
      const error = unpackError(reply.error)
      this.#settle(task, () => task.reject(error))
    }
  }

  /**
   * @param {Task | undefined} task
   * @param {string} id
   * @param {import('./wire.js').Result} reply
   */
  async #fetch(task, id, reply) {
    if (task !== undefined) task.answered = true
    const { redis } = await this.#open()
    const key = this.#keys.result(id)
    try {
      if (task !== undefined) this.#succeed(task, reply, await payloads.read(redis, key, reply.sizes))
    } catch (error) {
      if (task !== undefined) this.#settle(task, () => task.reject(asRemote(error)))
    } finally {
      await redis.unlink(key)
    }
  }

  /**
   * @param {Task} task
   * @param {import('./wire.js').Result} reply
   * @param {ArrayBuffer[]} parts
   */
  #succeed(task, { value, run }, parts) {
    const result = unpack(value, parts)
    // The callback may stop the task yet.
    this.#report(task, 1)
    this.#settle(task, () => {
      task.settings.times?.add(performance.now() - task.called - run, run)
      task.resolve(result)
    })
  }

  /**
   * @param {Task} task
   * @param {number} fraction of the attempt that is under way: what an earlier one had done is not undone
   */
  #report(task, fraction) {
    const { onProgress } = task.settings
    if (onProgress === undefined || fraction <= task.reported || !this.#tasks.has(task.id)) return
    task.reported = fraction
    try {
      task.context?.runInAsyncScope(onProgress, undefined, fraction)
    } catch (error) {
      this.#stop(task, error)
    }
  }

  /**
   * Whatever settles a task's promise does it in here, and so it is done once.
   * @param {Task} task
   * @param {() => void} how
   */
  #settle(task, how) {
    if (!this.#tasks.delete(task.id)) return
    clearTimeout(task.timer)
    if (task.settings.signal !== undefined) signals.unwatch(task.settings.signal, task.watcher)
    how()
    if (this.#tasks.size === 0) this.#onEmpty?.()
  }

  /**
   * `close` waits for it; nobody else does. What fails here fails because of Redis, whose keys have a time to live.
   * @param {Promise<unknown>} chore
   */
  #chore(chore) {
    /** @type {Promise<boolean>} */
    const done = chore.catch(() => {}).then(() => this.#chores.delete(done))
    this.#chores.add(done)
  }

  /** What connects to Redis: made by the first task, and again by the next one if that fails. */
  #open() {
    this.#link ??= this.#connect().catch((error) => {
      this.#link = undefined
      throw error
    })
    return this.#link
  }

  async #connect() {
    const { connection, queue: name, prefix, connectTimeout } = this.#place
    const { Queue } = peer('bullmq')
    const redis = connect(connection, { maxRetriesPerRequest: RETRIES })
    this.#connecting = redis
    const clock = new Clock()
    let queue
    try {
      await reach(redis, connectTimeout)
      queue = new Queue(name, { connection: redis, prefix })
      // What fails says so itself.
      queue.on('error', () => {})
      await Promise.all([clock.set(redis), queue.waitUntilReady()])
    } catch (error) {
      redis.disconnect()
      throw error
    } finally {
      this.#connecting = undefined
    }
    const inbox = new Inbox(connect(connection), redis, this.#keys.replies(this.#caller), (id, reply) =>
      this.#onReply(id, reply),
    )
    // Redis may go away again meanwhile: then this is done once more, and nobody waits for it.
    redis.on('ready', () => Promise.all([clock.set(redis), this.#findLost()]).catch(() => {}))
    return { redis, queue, clock, inbox }
  }

  /** Redis has come back: with what it had, if it keeps that on a disk; else whoever waits must hear of it. */
  async #findLost() {
    const { redis, queue, inbox } = await this.#open()
    const sent = [...this.#tasks.values()].filter((task) => task.sent)
    const found = await Promise.all(sent.map((task) => redis.exists(queue.toKey(task.id))))
    const missing = sent.filter((_, index) => found[index] === 0)
    // A job that has ended is missing too: then its reply is there, and its result may be on its way.
    if (missing.length > 0) await inbox.caughtUp()
    for (const task of missing.filter((task) => !task.answered)) {
      // A worker may still be at it, for nobody.
      this.#chore(redis.publish(this.#keys.stop, task.id))
      this.#settle(task, () => task.reject(remoteError('Redis no longer has the task: it keeps nothing when it ends')))
    }
  }

  async #end() {
    if (this.#tasks.size > 0) {
      await new Promise((resolve) => {
        this.#onEmpty = () => resolve(undefined)
      })
    }
    // Nobody needs it any more.
    this.#connecting?.disconnect()
    const link = await this.#link?.catch(() => undefined)
    // Redis may be away, or a worker that is to stop: what they have has a time to live.
    if (link?.redis.status === 'ready') await within(LAST_WORDS, this.#tidy(link))
    link?.inbox.stop()
    link?.redis.disconnect()
  }

  /** @param {{ queue: any, inbox: Inbox }} link */
  async #tidy({ queue, inbox }) {
    while (this.#chores.size > 0) await Promise.all(this.#chores)
    await inbox.remove()
    await queue.close()
  }
}

/** @param {any} options */
function remoteConfig(options) {
  const { attempts = 3, backoff = { type: 'exponential', delay: 200 }, payloadTtl = DAY } = options
  integer('options.attempts', attempts, 1, 2 ** 31 - 1)
  integer('options.payloadTtl', payloadTtl, 1, Number.MAX_SAFE_INTEGER)
  if (typeof backoff === 'object') {
    object('options.backoff', backoff)
    if (backoff.type !== 'fixed' && backoff.type !== 'exponential') {
      throw invalidValue('options.backoff.type', "must be one of: 'fixed', 'exponential'", backoff.type)
    }
    integer('options.backoff.delay', backoff.delay, 0, LONGEST_TIMER)
  } else {
    integer('options.backoff', backoff, 0, LONGEST_TIMER)
  }
  return { payloadTtl, job: { attempts, backoff } }
}

/** @param {any} error of Redis or of what leads there; ours are as they should be */
function asRemote(error) {
  return error instanceof HeavyLoadError ? error : remoteError(`Redis failed: ${error.message}`, error)
}

module.exports = { RemotePool }
