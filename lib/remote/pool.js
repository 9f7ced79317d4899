'use strict'

/**
 * The caller's side. Invariants:
 * 1. A task is in `#tasks` from the call until its promise is settled, by whoever takes it out: a reply, its signal or
 *    deadline, a failure on the way, or `close`. A second reply finds none and changes nothing.
 * 2. The input is copied, detached or held (frozen) before `run` returns; what JavaScript does to it later is not sent.
 * 3. What a task has in Redis is removed: the job by BullMQ when it has ended, its input by the worker, its result by
 *    whoever hears of it, also when nobody waits for it any more.
 */

const { randomUUID } = require('node:crypto')
const { EventEmitter } = require('node:events')
const { setTimeout: sleep } = require('node:timers/promises')
const { close } = require('../closing.js')
const {
  codeOf,
  faultOf,
  invalidType,
  invalidValue,
  late,
  overloaded,
  poolIsClosed,
  poolWasClosed,
  rejectLate,
} = require('../errors.js')
const { nextTick, performance } = require('../host.js')
const { map } = require('../map.js')
const { isTraced, trace } = require('../observe.js')
const { LONGEST_TIMER, PRIORITIES, integer, object, refusePool, taskSettings } = require('../options.js')
const { throwIfAborted } = require('../signals.js')
const { nameOf, ownOptionsOf } = require('../specs.js')
const { Admission } = require('./admission.js')
const { connectionSettings, remoteError } = require('./connection.js')
const { packTask } = require('./input.js')
const { Link } = require('./link.js')
const payloads = require('./payloads.js')
const { Tally } = require('./tally.js')
const { Task } = require('./task.js')
const { VERSION, keysOf, unpack, unpackError } = require('./wire.js')

const DAY_MS = 86_400_000
/** How long a worker is given to stop before it is told again, in milliseconds: doubled each time, up to a limit. */
const STOP_FIRST_MS = 20
const STOP_LONGEST_MS = 1000
const STOP_ATTEMPTS = 60
/** Bytes stay so much longer than their task, in milliseconds: clocks differ. */
const GRACE_MS = 10_000
const OPTIONS = ['attempts', 'backoff', 'maxQueue', 'payloadTtl']
/** Runs tasks on other machines, over BullMQ and Redis. */
class RemotePool extends EventEmitter {
  #place
  #config
  #keys
  #caller = randomUUID()
  #made = 0
  /** @type {Map<string, Task>} */
  #tasks = new Map()
  /** What goes on beside the tasks: sending, stopping, fetching, removing. @type {Set<Promise<boolean>>} */
  #chores = new Set()
  #link
  #admission = new Admission()
  #needsDrain = false
  #began = performance.now()
  #tally = new Tally(this)
  /** @type {import('./task.js').Owner} */
  #owner = {
    stop: (task, make) => this.#stop(task, make),
    abandon: (task, error) => this.#abandon(task, error),
    late: (task) => this.#late(task),
  }
  /** @type {Promise<void> | undefined} */
  #closed
  /** @type {(() => void) | undefined} */
  #onEmpty

  /** @param {any} options */
  constructor(options) {
    super()
    this.#place = connectionSettings(options, OPTIONS)
    this.#config = remoteConfig(options)
    this.#keys = keysOf(this.#place)
    this.#link = new Link(this.#place, this.#keys, this.#caller, {
      onReply: (id, reply) => this.#onReply(id, reply),
      onView: (view) => this.#see(view),
      onBack: () => this.#findLost(),
      onLost: (error) => {
        for (const task of [...this.#tasks.values()]) this.#fail(task, error)
      },
    })
  }

  get name() {
    return this.#place.queue
  }

  /** Of the workers that are there, all together; 0 before that is known. */
  get threads() {
    return this.#admission.threads
  }

  get needsDrain() {
    return this.#admission.queued >= Math.max(1, this.threads)
  }

  stats() {
    const { queued, threads } = this.#admission
    return {
      threads,
      queued,
      running: this.#tasks.size - queued,
      ...this.#tally.stats,
      memory: this.#sum(({ memory }) => memory),
      utilization: threads === 0 ? 0 : this.#sum(({ utilization, threads }) => utilization * threads) / threads,
      uptime: performance.now() - this.#began,
    }
  }

  /**
   * @param {any} kernel
   * @param {any} input
   * @param {any} [options]
   * @returns {Promise<any>}
   */
  run(kernel, input, options) {
    const name = nameOf(kernel)
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
      for (const task of this.#tasks.values()) this.#stop(task, poolWasClosed)
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
    this.#refuseClosed()
    // Of a kernel that only workers know, they know the options.
    const settings = taskSettings(options, ownOptionsOf(kernel))
    throwIfAborted(settings.signal)
    const packed = packTask(kernel, input, options, settings)
    // Getters of the options may have closed it.
    this.#refuseClosed()
    this.#admit(kernel, settings)
    packed.take()
    const task = new Task(`${this.#caller}-${this.#made++}`, kernel, settings, resolve, reject, this.#owner)
    this.#tasks.set(task.id, task)
    this.#queue(task, 1)
    task.arm()
    if (task.stopped) {
      packed.release()
      return
    }
    this.#chore(this.#send(task, packed))
  }

  #refuseClosed() {
    if (this.#closed !== undefined) throw poolIsClosed()
  }

  /**
   * Refuses what would not be done in time, or has no place to wait.
   * @param {string} kernel
   * @param {import('../options.js').Settings} settings
   */
  #admit(kernel, settings) {
    const { maxQueue } = this.#config
    const isFull = this.#admission.queued >= maxQueue
    const retryAfter = isFull ? this.#admission.untilRoom(maxQueue) : this.#admission.refusal(settings)
    if (retryAfter === undefined) return
    const error = isFull ? overloaded(`is full: its queue holds ${maxQueue} at most`, retryAfter) : tooLate(retryAfter)
    this.#tally.failed(kernel, error, settings.times)
    throw error
  }

  /**
   * The error of a task whose time is over: if that was for want of a worker, or of Redis, it says so.
   * @param {Task} task
   */
  #late({ kernel, settings, begun }) {
    const error = late(kernel, settings.timeout, begun ? 'a worker had it' : 'no worker had begun it')
    const { view } = this.#admission
    const { trouble } = this.#link
    if (trouble !== undefined) return remoteError(`${error.message}: ${trouble.what}`, trouble.cause)
    if (!begun && view?.workers.size === 0) {
      return remoteError(error.message, new Error(`No worker takes jobs of the queue '${this.name}'`))
    }
    return error
  }

  /**
   * @param {Task} task
   * @param {ReturnType<typeof packTask>} packed
   */
  async #send(task, { input, options, parts, release }) {
    try {
      const { redis, queue, clock } = await this.#link.open()
      if (task.stopped) return
      const { timeout, priority, key, weight, maxThreads, onProgress } = task.settings
      const now = await clock.now()
      const left = timeout - (performance.now() - task.called)
      const deadline = timeout === Infinity ? undefined : now + left
      if (parts.length > 0) {
        const ttl = Math.min(this.#config.payloadTtl, Math.max(left, 0) + GRACE_MS)
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
        begun: true,
      }
      if (!task.stopped) await queue.add(task.kernel, message, { ...this.#config.job, jobId: task.id, priority })
      task.sent = true
      // There was nothing to stop before.
      if (task.stopped) this.#chore(this.#stopJob(task))
    } catch (error) {
      this.#fail(task, () => asRemote(error))
    } finally {
      release()
    }
  }

  /**
   * Rejects now; the worker follows.
   * @param {Task} task
   * @param {() => unknown} make the error
   */
  #stop(task, make) {
    if (!this.#tasks.has(task.id)) return
    this.#halt(task)
    this.#fail(task, make)
  }

  /**
   * The same, with an error of the caller's own code.
   * @param {Task} task
   * @param {unknown} error
   */
  #abandon(task, error) {
    if (!this.#settle(task)) return
    this.#halt(task)
    task.reject(error)
    this.#tally.settled(task.kernel, 'cancelled', task.settings.times)
  }

  /** @param {Task} task */
  #halt(task) {
    task.stopped = true
    if (task.sent) this.#chore(this.#stopJob(task))
  }

  /**
   * Takes a job out of the queue, or has its worker stop it: until there is no such job any more.
   * @param {Task} task
   */
  async #stopJob({ id }) {
    const { redis, queue } = await this.#link.open()
    // It cannot be removed while a worker has it, and that one may just have lost its connection.
    for (let time = 0; time < STOP_ATTEMPTS && (await queue.remove(id)) === 0; time++) {
      await redis.publish(this.#keys.stop, id)
      await sleep(Math.min(STOP_FIRST_MS * 2 ** time, STOP_LONGEST_MS))
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
      if (task !== undefined) this.#fail(task, () => senseless(error))
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
      if (isFraction(reply.progress)) task.report(reply.progress)
    } else if ('begun' in reply) {
      this.#setBegun(task, reply.begun === true)
    } else {
      this.#fail(task, () => this.#errorOf(task, reply))
    }
  }

  /**
   * @param {Task} task
   * @param {{ error: import('./wire.js').WireError }} reply
   */
  #errorOf({ kernel, settings: { timeout } }, reply) {
    const error = errorOf(reply)
    // The worker knows only what had been left of it.
    const isLate = codeOf(error) === 'ERR_TASK_TIMEOUT' && timeout !== Infinity
    return isLate ? late(kernel, timeout, 'a worker had it') : error
  }

  /**
   * @param {Task | undefined} task
   * @param {string} id
   * @param {import('./wire.js').Result} reply
   */
  async #fetch(task, id, reply) {
    if (task !== undefined) task.answered = true
    const { redis } = await this.#link.open()
    const key = this.#keys.result(id)
    try {
      if (task !== undefined) this.#succeed(task, reply, await payloads.read(redis, key, reply.sizes))
    } catch (error) {
      if (task !== undefined) this.#fail(task, () => asRemote(error))
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
    // It may have been stopped while its bytes were fetched; and by the callback it may be yet.
    if (this.#tasks.has(task.id)) task.report(1)
    if (!this.#settle(task)) return
    task.succeeded = true
    task.resolve(result)
    this.#tally.settled(task.kernel, 'completed', task.settings.times)
    const ran = Number.isFinite(run) ? run : 0
    const waited = Math.max(0, performance.now() - task.called - ran)
    task.settings.times?.add(waited, ran)
    this.#admission.ended(ran)
    this.#tally.measured(task.kernel, waited, ran, task.settings.times)
  }

  /**
   * @param {Task} task
   * @param {boolean} begun
   */
  #setBegun(task, begun) {
    if (task.begun === begun) return
    task.begun = begun
    this.#queue(task, begun ? -1 : 1)
  }

  /**
   * A task has come to wait, or does not any more.
   * @param {Task} task
   * @param {1 | -1} change
   */
  #queue({ settings }, change) {
    this.#admission.count(settings.priority, change)
    this.#watchDrain()
  }

  #watchDrain() {
    const did = this.#needsDrain
    this.#needsDrain = this.needsDrain
    // Later, so that a listener that throws does it on its own account.
    if (did && !this.#needsDrain) nextTick(() => this.emit('drain'))
  }

  /**
   * Its caller is not on the stack any more: see `rejectLate`.
   * @param {Task} task
   * @param {() => unknown} make the error; does not throw
   */
  #fail(task, make) {
    if (!this.#settle(task)) return
    rejectLate(task.resolve, () => {
      const error = make()
      // Before anybody hears of it: whoever called may ask that it be counted.
      this.#tally.failed(task.kernel, error, task.settings.times)
      return error
    })
  }

  /**
   * Whoever is about to settle a task's promise asks here whether it is the first.
   * @param {Task} task
   */
  #settle(task) {
    if (!this.#tasks.delete(task.id)) return false
    task.disarm()
    if (!task.begun) this.#queue(task, -1)
    if (this.#tasks.size === 0) this.#onEmpty?.()
    return true
  }

  /** @param {(report: import('./workers.js').Report) => number} figure */
  #sum(figure) {
    let sum = 0
    for (const report of this.#admission.view?.workers.values() ?? []) sum += figure(report)
    return sum
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

  /**
   * What is known of the workers and the queue: gives up what cannot be done in time any more.
   * @param {import('./workers.js').View} view
   */
  #see(view) {
    this.#admission.see(view)
    const waiting = [...this.#tasks.values()].filter(({ sent, begun }) => sent && !begun)
    for (const { task, retryAfter } of this.#admission.late(waiting, performance.now())) {
      this.#stop(task, () => tooLate(retryAfter))
    }
    this.#watchDrain()
  }

  /** Redis has come back: with what it had, if it keeps that on a disk; else whoever waits must hear of it. */
  async #findLost() {
    const { redis } = await this.#link.open()
    const sent = [...this.#tasks.values()].filter((task) => task.sent)
    const missing = await this.#link.missing(sent.map(({ id }) => id))
    // Of a job that has ended the reply was there, and its result may be on its way.
    for (const task of sent.filter(({ id, answered }) => missing.has(id) && !answered)) {
      // A worker may still be at it, for nobody.
      this.#chore(redis.publish(this.#keys.stop, task.id))
      this.#fail(task, () => remoteError('Redis no longer has the task: it keeps nothing when it ends'))
    }
  }

  async #end() {
    if (this.#tasks.size > 0) {
      await new Promise((resolve) => {
        this.#onEmpty = () => resolve(undefined)
      })
    }
    await this.#link.close(async () => {
      while (this.#chores.size > 0) await Promise.all(this.#chores)
    })
  }
}

/** @param {any} options */
function remoteConfig(options) {
  const { attempts = 3, backoff = { type: 'exponential', delay: 200 }, maxQueue = 16384, payloadTtl = DAY_MS } = options
  integer('options.attempts', attempts, 1, 2 ** 31 - 1)
  integer('options.payloadTtl', payloadTtl, 1, Number.MAX_SAFE_INTEGER)
  if (maxQueue !== Infinity) integer('options.maxQueue', maxQueue, 1, Number.MAX_SAFE_INTEGER)
  if (typeof backoff === 'object') {
    object('options.backoff', backoff)
    if (backoff.type !== 'fixed' && backoff.type !== 'exponential') {
      throw invalidValue('options.backoff.type', "must be one of: 'fixed', 'exponential'", backoff.type)
    }
    integer('options.backoff.delay', backoff.delay, 0, LONGEST_TIMER)
  } else {
    integer('options.backoff', backoff, 0, LONGEST_TIMER)
  }
  return { payloadTtl, maxQueue, job: { attempts, backoff } }
}

/**
 * A task's own error, of one that others may have, too.
 * @param {any} error of Redis or of what leads there; ours says what it should
 */
function asRemote(error) {
  const isOurs = faultOf(error) !== undefined
  return isOurs ? remoteError(error.message, error.cause) : remoteError(`Redis failed: ${error.message}`, error)
}

/** @param {{ error: import('./wire.js').WireError }} reply */
function errorOf(reply) {
  try {
    return unpackError(reply.error)
  } catch (error) {
    return senseless(error)
  }
}

/**
 * What came from Redis may be anything, and is not to reach the caller's `onProgress`.
 * @param {unknown} value
 */
function isFraction(value) {
  return typeof value === 'number' && value >= 0 && value <= 1
}

/** @param {unknown} cause */
function senseless(cause) {
  return remoteError('A reply that makes no sense', cause)
}

/** @param {number} retryAfter seconds */
function tooLate(retryAfter) {
  return overloaded('is overloaded: the task would not be done within its timeout', retryAfter)
}

module.exports = { RemotePool }
