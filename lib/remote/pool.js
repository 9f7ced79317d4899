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
const { close } = require('../closing.js')
const {
  OF_COPY,
  THIS_COPY,
  codeOf,
  invalidType,
  late,
  overloaded,
  poolIsClosed,
  poolWasClosed,
  rejectLate,
} = require('../errors.js')
const { INSPECT, nextTick, performance } = require('../host.js')
const { map } = require('../map.js')
const { isTraced, trace } = require('../observe.js')
const { refusePool, taskSettings } = require('../options.js')
const { throwIfAborted } = require('../signals.js')
const { KERNEL, nameOf, ownOptionsOf } = require('../catalog.js')
const { Admission } = require('./admission.js')
const { connectionSettings, remoteError } = require('./connection.js')
const { packTask } = require('./input.js')
const { Link } = require('./link.js')
const { OPTIONS, remoteConfig } = require('./pool-config.js')
const { PoolJobs } = require('./pool-jobs.js')
const { Tally } = require('./tally.js')
const { Task } = require('./task.js')
const { keysOf, unpack, unpackError } = require('./wire.js')

/** Runs tasks on other machines, over BullMQ and Redis. */
class RemotePool extends EventEmitter {
  #settings
  #config
  #keys
  #caller = randomUUID()
  #made = 0
  /** @type {Map<string, Task>} */
  #tasks = new Map()
  #link
  #jobs
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
    this.#settings = connectionSettings(options, OPTIONS)
    this.#config = remoteConfig(options)
    this.#keys = keysOf(this.#settings)
    this.#link = new Link(this.#settings, this.#keys, this.#caller, {
      onReply: (id, reply) => this.#onReply(id, reply),
      onView: (view) => this.#see(view),
      onBack: () => this.#findLost(),
      onLost: (error) => {
        for (const task of [...this.#tasks.values()]) this.#fail(task, error)
      },
    })
    this.#jobs = new PoolJobs(this.#caller, this.#link, this.#keys, this.#config, (task, make) =>
      this.#fail(task, make),
    )
  }

  get name() {
    return this.#settings.queue
  }

  get [OF_COPY]() {
    return THIS_COPY
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

  /** What `console.log` shows: nothing of the connection, which has a password. */
  [INSPECT](/** @type {number} */ _depth, /** @type {any} */ options, /** @type {any} */ inspect) {
    const { threads, queued, running } = this.stats()
    return `RemotePool ${inspect({ name: this.name, threads, queued, running, closed: this.#closed !== undefined }, options)}`
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
        if (typeof name !== 'string') throw invalidType('kernel', KERNEL, kernel)
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
    settings.times?.begin(task)
    this.#queue(task, 1)
    task.arm()
    if (task.stopped) {
      packed.release()
      return
    }
    this.#jobs.send(task, packed)
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
   * Rejects now; the worker follows.
   * @param {Task} task
   * @param {() => unknown} make the error
   */
  #stop(task, make) {
    if (!this.#tasks.has(task.id)) return
    this.#jobs.stop(task)
    this.#fail(task, make)
  }

  /**
   * The same, with an error of the caller's own code.
   * @param {Task} task
   * @param {unknown} error
   */
  #abandon(task, error) {
    if (!this.#settle(task)) return
    task.settings.times?.end(task, ...task.timesSince())
    this.#jobs.stop(task)
    task.reject(error)
    this.#tally.settled(task.kernel, 'cancelled', task.settings.times)
  }

  /**
   * @param {string} id
   * @param {string} json
   */
  #onReply(id, json) {
    const task = this.#tasks.get(id)
    try {
      // What others have put where objects inherit from is no part of it.
      this.#take(task, id, Object.setPrototypeOf(JSON.parse(json), null))
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
      this.#jobs.fetch(id, reply.sizes, task, (parts) => {
        if (task !== undefined) this.#succeed(task, reply, parts)
      })
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
    const [waited, ran] = task.timesOf(run)
    task.settings.times?.end(task, waited, ran)
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
    // As they are known here: a worker's own are in its answers only.
    task.settings.times?.end(task, ...task.timesSince())
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
    const sent = [...this.#tasks.values()].filter((task) => task.sent)
    for (const task of await this.#jobs.lost(sent)) {
      this.#fail(task, () => remoteError('Redis no longer has the task: it keeps nothing when it ends'))
    }
  }

  async #end() {
    if (this.#tasks.size > 0) {
      await new Promise((resolve) => {
        this.#onEmpty = () => resolve(undefined)
      })
    }
    await this.#link.close(() => this.#jobs.ended())
  }
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
