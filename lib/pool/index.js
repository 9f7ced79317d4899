'use strict'

/** `Pool`: checks a call, decides how it is sent (plain, in a batch, as a stream, external), and opens the addon's pool on first use. */

// What only some processes need is loaded where it is used, and what tasks need with the first pool that is opened: a file takes as long to
// load as a short task.
const { EventEmitter } = require('node:events')
const { INPUTS, NAMES, OWN_OPTIONS, TAKES_STREAMS, nameOf, numberOf } = require('../catalog.js')
const { OF_COPY, THIS_COPY, invalidType, invalidValue, poolIsClosed, toError } = require('../errors.js')
const { INSPECT, nextTick, performance } = require('../host.js')
const { NativePool, defaultThreads, constants } = require('../native.js')
const { isTraced, trace } = require('../observe.js')
const { drainListeners, polling, instance, stopAll } = require('./instance.js')
// It loads views.js, too, which takes the language's functions now; most that uses those is loaded later.
const { adopt } = require('../realm.js')

/** The classes that they are now: the addon takes no others for its counts. */
const Counts = Float64Array
const SharedMemory = SharedArrayBuffer
const SHARED = Symbol('the pool of the process')
const POOL_OPTIONS = new Set(['threads', 'maxQueue', 'niceness', 'maxMemory', 'name'])
/**
 * A pool's options, checked. No threads: as many as the machine has for us.
 * @type {{ threads: number, maxQueue: number, niceness: number, maxMemory: number | undefined, name: string }}
 */
const DEFAULTS = { threads: 0, maxQueue: 16384, niceness: 4, maxMemory: undefined, name: 'heavy-load' }
/** Longer ones are a mistake, and no thread shows so much. */
const LONGEST_NAME = 200
/** What the kernels' own functions call. */
const runNumber = Symbol('run by number')
/** What queues tasks whose work the engine does not do. */
const runExternal = Symbol('run external work')
const niceness = Symbol('niceness')

let poolsMade = 0
/** Of pools that nobody knows any more, by their numbers. */
const forgotten = new FinalizationRegistry((/** @type {number} */ number) => drainListeners.delete(number))

/**
 * Threads that run tasks: short ones pass long ones, running ones can be stopped.
 */
class Pool extends EventEmitter {
  #config
  #number = poolsMade++
  #shared
  /** @type {InstanceType<typeof NativePool> | undefined} made on first use */
  #native
  /** @type {any} */
  #submitPlain
  /** @type {any} */
  #submitTask
  /** @type {any} */
  #submitPiece
  /** @type {any} */
  #submitExternal
  /** @type {import('./batch.js').Batch | undefined} */
  #batch
  /** Tasks whose completion has not arrived. */
  #inFlight = 0
  #listeners = {
    newListener: (/** @type {string} */ event) => {
      if (event === 'drain') this.#open().listenForDrain(true)
    },
    removeListener: (/** @type {string} */ event) => {
      if (event === 'drain') this.#native?.listenForDrain(this.listenerCount('drain') > 0)
    },
  }
  /** @type {Promise<void> | undefined} */
  #closed
  /** @type {(() => void) | undefined} */
  #onEmpty
  #owner = {
    pool: this,
    // JavaScript alone writes it; the pool's statistics, asked for by any thread, are read from it.
    counts: new Counts(new SharedMemory(constants.count.length * Counts.BYTES_PER_ELEMENT)),
    taskStarted: () => {
      this.#inFlight++
    },
    taskEnded: () => {
      if (--this.#inFlight === 0) this.#onEmpty?.()
    },
  }

  /** @param {any} [options] */
  constructor(options = {}) {
    super()
    this.#heed()
    this.#shared = options === SHARED
    this.#config = this.#shared ? DEFAULTS : poolConfig(options)
    if (!this.#shared) this.#open()
  }

  get name() {
    return this.#config.name
  }

  get [OF_COPY]() {
    return THIS_COPY
  }

  /** How far its threads stand back. */
  get [niceness]() {
    return this.#config.niceness
  }

  get threads() {
    return this.#open().threads
  }

  get needsDrain() {
    return this.#current().needsDrain
  }

  stats() {
    return adopt(this.#current().stats())
  }

  /** What `console.log` shows. Looking at the default pool does not start it. */
  [INSPECT](/** @type {number} */ _depth, /** @type {any} */ options, /** @type {any} */ inspect) {
    const { threads, queued, running } = this.#native?.stats() ?? { threads: 0, queued: 0, running: 0 }
    return `Pool ${inspect({ name: this.name, threads, queued, running, closed: this.#closed !== undefined }, options)}`
  }

  /**
   * @param {any} kernel
   * @param {any} input
   * @param {any} [options]
   * @returns {Promise<any>}
   */
  run(kernel, input, options) {
    if (isTraced()) {
      return trace(nameOf(kernel), this.name, () => this.#promise(kernel, input, options, true))
    }
    return new Promise((resolve, reject) => {
      if (options?.pool !== undefined) tasks().refusePool(options, this)
      this.#start(numberOf(kernel), input, options, resolve, reject)
    })
  }

  /**
   * `run` for a kernel whose number is known, and for options that have named the pool.
   * @param {number} kernel
   * @param {any} input
   * @param {any} [options]
   * @returns {Promise<any>}
   */
  [runNumber](kernel, input, options) {
    if (isTraced()) {
      return trace(NAMES[kernel], this.name, () => this.#promise(NAMES[kernel], input, options, false))
    }
    return new Promise((resolve, reject) => this.#start(kernel, input, options, resolve, reject))
  }

  /**
   * `run` where it is traced. Elsewhere its frame would be one too many: V8 keeps ten, and an extra one could push the caller's out.
   * @param {any} kernel
   * @param {any} input
   * @param {any} options
   * @param {boolean} isRun whether they must not name a pool
   * @returns {Promise<any>}
   */
  #promise(kernel, input, options, isRun) {
    return new Promise((resolve, reject) => {
      if (isRun && options?.pool !== undefined) tasks().refusePool(options, this)
      this.#start(numberOf(kernel), input, options, resolve, reject)
    })
  }

  /**
   * @param {any} kernel
   * @param {any} inputs
   * @param {any} [options]
   */
  map(kernel, inputs, options) {
    return require('../map.js').map(this, kernel, inputs, options)
  }

  /**
   * @param {(task: { signal: AbortSignal }) => any} fn
   * @param {any} [options]
   * @returns {Promise<any>}
   */
  gate(fn, options) {
    gates ??= require('./gate.js')
    const { GATE, Gate } = gates
    return this[runExternal](GATE, options, externalTasks().OWN_OPTIONS, () => {
      if (typeof fn !== 'function') throw invalidType('fn', 'of type function', fn)
      return new Gate(fn)
    })
  }

  /**
   * A task whose work the engine does not do.
   * @param {{ name: string, kind: number }} kind
   * @param {any} options
   * @param {ReadonlySet<string>} own the names of the options that only such tasks take
   * @param {(options: any) => import('./external.js').Work} make checks what the work is given
   * @returns {Promise<any>}
   */
  [runExternal](kind, options, own, make) {
    const call = () => new Promise((resolve, reject) => this.#startExternal(kind, options, own, make, resolve, reject))
    return isTraced() ? trace(kind.name, this.name, call) : call()
  }

  /**
   * @param {{ name: string, kind: number }} kind
   * @param {any} options
   * @param {ReadonlySet<string>} own
   * @param {(options: any) => import('./external.js').Work} make
   * @param {(value: any) => void} resolve
   * @param {(error: any) => void} reject
   */
  #startExternal(kind, options, own, make, resolve, reject) {
    const { External, NO_SETTINGS, externalSettings } = externalTasks()
    const { refusePool, throwIfAborted } = tasks()
    if (options?.pool !== undefined) refusePool(options, this)
    const settings = options === undefined ? NO_SETTINGS : externalSettings(options, own)
    const work = make(options)
    throwIfAborted(settings.signal)
    // Getters of the options may have closed it.
    if (this.#closed !== undefined) throw poolIsClosed()
    this.#current()
    const task = new External(resolve, reject, this.#owner, kind, work)
    const { timeout, priority, key, weight, maxThreads, memory } = settings
    let hasBegun = false
    try {
      const submit = this.#submitExternal
      hasBegun = submit(kind.kind, task.slot, memory, timeout, priority, key, weight, maxThreads)
    } catch (failure) {
      task.refuse(failure, settings.times)
      return
    }
    if (options !== undefined) task.arm(settings, false)
    try {
      work.take?.()
    } catch (error) {
      task.breakOff(error)
    }
    if (hasBegun) task.begin()
  }

  /**
   * Ours are not the caller's to remove.
   * @param {any[]} events
   */
  removeAllListeners(...events) {
    super.removeAllListeners(.../** @type {[]} */ (events))
    this.#heed()
    return this
  }

  /** @param {any} [options] */
  close(options = {}) {
    const cancel = () => {
      this.#batch?.flush()
      stopAll(this.#owner, constants.stop.closed)
    }
    return require('../closing.js').close(options, () => this.#end(), cancel)
  }

  [Symbol.asyncDispose]() {
    return this.close()
  }

  /** Notices who listens for 'drain', which the addon reports only while somebody does. */
  #heed() {
    for (const [event, listener] of Object.entries(this.#listeners)) {
      if (!this.listeners(event).includes(listener)) this.on(event, listener)
    }
  }

  /**
   * The body of `run`, without a closure of its own: it runs once a task.
   * @param {number} kernel
   * @param {any} input
   * @param {any} options
   * @param {(value: any) => void} resolve
   * @param {(error: any) => void} reject
   */
  #start(kernel, input, options, resolve, reject) {
    if (this.#closed !== undefined) throw poolIsClosed()
    if (this.#native === undefined) this.#open()
    const batch = /** @type {import('./batch.js').Batch} */ (this.#batch)
    const { Task, WITHOUT_OPTIONS, handOver, saysNothing, taskSettings, throwIfAborted } = tasks()
    const settings = options === undefined ? WITHOUT_OPTIONS : taskSettings(options, OWN_OPTIONS[kernel])
    const isPlain = typeof input !== 'object' && (options === undefined || OWN_OPTIONS[kernel].size === 0)
    if (isPlain && saysNothing(settings)) {
      // Getters of the options may have closed it.
      if (this.#closed !== undefined) throw poolIsClosed()
      const task = new Task(resolve, reject, this.#owner, undefined, kernel)
      if (batch.mayAdd(this.#inFlight, kernel, input)) {
        batch.add(task, input)
      } else {
        batch.flush()
        this.#submit(task, input)
      }
      return
    }
    batch.flush()
    throwIfAborted(settings.signal)
    if (TAKES_STREAMS[kernel] && !ArrayBuffer.isView(input) && require('../source.js').isStream(input)) {
      this.#startStream(kernel, input, options, settings, resolve, reject)
      return
    }
    const given = handOver(input, settings.transfer, kernel)
    // Getters of the options may have closed it.
    if (this.#closed !== undefined) throw poolIsClosed()
    const task = new Task(resolve, reject, this.#owner, given, kernel)
    const { timeout, priority, key, weight, maxThreads } = settings
    try {
      const { view, mode } = given
      const poll = polling.may()
      const submit = this.#submitTask
      if (submit(kernel, task.slot, view, poll, options, mode, timeout, priority, key, weight, maxThreads))
        polling.start()
    } catch (failure) {
      task.refuse(failure, settings.times)
      return
    }
    task.arm(settings, typeof input === 'object' || OWN_OPTIONS[kernel].size > 0)
  }

  /**
   * @param {number} kernel
   * @param {any} input a stream
   * @param {any} options
   * @param {import('../options.js').Settings} settings
   * @param {(value: any) => void} resolve
   * @param {(error: any) => void} reject
   */
  #startStream(kernel, input, options, settings, resolve, reject) {
    if (require('../source.js').isTouched(input)) {
      const reason = 'must be a stream that nobody has read from'
      throw invalidValue(INPUTS[kernel], reason, input)
    }
    const { timeout, priority, key, weight, maxThreads } = settings
    const { Feed } = require('./feed.js')
    const { Task } = tasks()
    const called = performance.now()
    const task = new Task(resolve, reject, this.#owner, undefined, kernel)
    const feed = new Feed(input, timeout, task, (piece, part, ran) => {
      const left = Math.max(called + timeout - performance.now(), 0)
      const submit = this.#submitPiece
      if (submit(kernel, task.slot, piece, part, ran, polling.may(), left, priority, key, weight, maxThreads))
        polling.start()
    })
    try {
      instance.fold(kernel, task.slot, options === undefined ? {} : options)
      // Getters of the options may have closed it.
      if (this.#closed !== undefined) throw poolIsClosed()
      feed.enter()
    } catch (failure) {
      instance.unfold(task.slot)
      task.refuse(failure, settings.times)
      return
    }
    task.arm(settings, true, feed)
  }

  /**
   * Submits a task that says nothing of itself.
   * @param {import('./task.js').Task} task
   * @param {any} input
   */
  #submit(task, input) {
    try {
      if (this.#submitPlain(task.kernel, task.slot, input, polling.may())) polling.start()
    } catch (failure) {
      task.refuse(failure)
    }
  }

  /** The pool as it is with all that has been submitted to it. */
  #current() {
    this.#batch?.flush()
    return this.#open()
  }

  #open() {
    if (this.#native === undefined) {
      const { threads, maxQueue, niceness, maxMemory, name } = this.#config
      const { Batch } = tasks()
      try {
        const config = { threads, maxQueue, niceness, maxMemory: maxMemory ?? memoryByDefault(), name }
        this.#native = new NativePool(instance, this.#number, config, this.#shared, this.#owner.counts)
      } catch (failure) {
        throw toError(failure, 'call')
      }
      this.#submitPlain = this.#native.submitPlain
      this.#submitTask = this.#native.submit
      this.#submitPiece = this.#native.submitPiece
      this.#submitExternal = this.#native.submitExternal
      this.#batch = new Batch(this.#native.submitBatch, (task, input) => this.#submit(task, input), maxQueue)
      drainListeners.set(this.#number, drainListener(new WeakRef(this)))
      forgotten.register(this, this.#number)
    }
    return this.#native
  }

  #end() {
    this.#closed ??= new Promise((resolve) => {
      this.#onEmpty = () => {
        drainListeners.delete(this.#number)
        if (!this.#shared) this.#native?.close()
        resolve()
      }
      if (this.#inFlight === 0) this.#onEmpty()
    })
    return this.#closed
  }
}

/** @type {ReturnType<typeof loadTasks> | undefined} */
let loaded

/** What tasks need: loaded before there is one, and never while one is under way. */
function tasks() {
  loaded ??= loadTasks()
  return loaded
}

function loadTasks() {
  const { Batch } = require('./batch.js')
  const { handOver } = require('../buffers.js')
  const { usableMemory } = require('../memory.js')
  const { WITHOUT_OPTIONS, refusePool, saysNothing, taskSettings } = require('../options.js')
  const { throwIfAborted } = require('../signals.js')
  const { Task } = require('./task.js')
  return { Batch, Task, WITHOUT_OPTIONS, handOver, refusePool, saysNothing, taskSettings, throwIfAborted, usableMemory }
}

/** @type {typeof import('./external.js') | undefined} loaded when it is used; to ask `require` for it each time takes microseconds */
let external
/** @type {typeof import('./gate.js') | undefined} */
let gates

function externalTasks() {
  external ??= require('./external.js')
  return external
}

/** A quarter of what this process may use, in bytes. */
function memoryByDefault() {
  return tasks().usableMemory() / 4
}

/**
 * In a function of its own: closures that are made in one share all that any of them captures, and one that captured the pool
 * would keep it alive.
 * @param {WeakRef<Pool>} pool
 */
function drainListener(pool) {
  // Later, so that a listener that throws does it on its own account.
  return () => nextTick(() => pool.deref()?.emit('drain'))
}

/**
 * @param {any} options
 * @returns {typeof DEFAULTS}
 */
function poolConfig(options) {
  const { integer, positive, refuseUnknown } = require('../options.js')
  refuseUnknown('options', options, POOL_OPTIONS)
  const { threads, maxQueue = DEFAULTS.maxQueue, niceness = DEFAULTS.niceness, maxMemory } = options
  const { name = DEFAULTS.name } = options
  if (typeof name !== 'string') throw invalidType('options.name', 'of type string', name)
  if (name === '' || name.length > LONGEST_NAME || name.includes('\0')) {
    throw invalidValue('options.name', `must be a name of at most ${LONGEST_NAME} characters`, name)
  }
  return {
    threads: threads === undefined ? DEFAULTS.threads : integer('options.threads', threads, 1, constants.mostThreads),
    maxQueue: maxQueue === Infinity ? maxQueue : integer('options.maxQueue', maxQueue, 0, Number.MAX_SAFE_INTEGER),
    niceness: integer('options.niceness', niceness, 0, 19),
    maxMemory: maxMemory === undefined ? undefined : positive('options.maxMemory', maxMemory),
    name,
  }
}

/** Throws if what the environment says of the default number of threads is no such number. Starts none. */
function checkThreads() {
  try {
    defaultThreads()
  } catch (failure) {
    throw toError(failure, 'call')
  }
}

const defaultPool = new Pool(SHARED)

module.exports = { Pool, checkThreads, defaultPool, niceness, runExternal, runNumber, tasks }
