'use strict'

/** What is seen of pools and their tasks, whatever kind of metrics is made of it. */

const { invalidType, invalidValue, ofAnotherCopy } = require('../errors.js')
const { clearInterval, performance, setInterval, process } = require('../host.js')
const { refuseUnknown } = require('../options.js')
const { OUTCOMES, observers } = require('../observe.js')
const { Pool, defaultPool } = require('../pool/index.js')
const { withoutRepeats } = require('../repeats.js')
const { NAMES } = require('../catalog.js')
const { Delays, LOOK_MS, NOTE_MS, Share } = require('./last-minute.js')

/** Upper bounds of the histograms' buckets, in seconds: from a short task to the longest that anybody waits for. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
/** The `pool` of the tasks of the AsyncTask forms. */
const LIBUV = 'libuv'
/** Routes, or kernels, that are distinguished: an application may make routes as it runs, and ask other machines for any kernel. */
const MOST_NAMES = 100
const OTHERS = 'other'
const OPTIONS = new Set(['pools'])
/** How often a warning of an instrument that fails is given at most, in milliseconds. */
const WARN_AGAIN_MS = 60_000

/**
 * What a kind of metrics does with what is seen.
 * @typedef {object} Sink
 * @property {(labels: TaskLabels & { outcome: string }, count: number) => void} tasks so many tasks more whose promise was settled; at first 0
 * @property {(labels: TaskLabels, seconds: number) => void} wait from the call to the first instruction
 * @property {(labels: TaskLabels, seconds: number) => void} run from there to the end
 * @typedef {{ pool: string, kernel: string, route?: string }} TaskLabels without `route` where none is known
 * @typedef {{ name: string, stats: () => any }} AnyPool local or remote; figures that it does not have are not shown
 */

/** Looks at pools, from its making until `stop`. */
class Watch {
  #pools
  #sink
  /** @type {import('../observe.js').Observer} */
  #observer
  #delays = new Delays(performance.now())
  /** Of each pool that has threads of its own, the share of their time. @type {Map<AnyPool, Share>} */
  #shares
  /** Thread time that each pool has used, in milliseconds, as it was last read. @type {Map<AnyPool, number>} */
  #busy = new Map()
  #kernels = new Set(NAMES)
  #isNew = withoutRepeats(WARN_AGAIN_MS)
  /** @type {Set<string>} */
  #routes = new Set()
  /** What outcomes have been shown for. @type {Set<string>} */
  #shown = new Set()
  #timers

  /**
   * @param {AnyPool[]} pools
   * @param {Sink} sink
   */
  constructor(pools, sink) {
    this.#pools = pools
    this.#sink = sink
    const watched = new Set(this.#pools)
    const locals = pools.filter((pool) => pool instanceof Pool)
    this.#shares = new Map(locals.map((pool) => [pool, new Share(performance.now())]))
    const names = [...this.#pools.map(({ name }) => name), LIBUV]
    for (const pool of names) for (const kernel of this.#kernels) this.#show({ pool, kernel })
    /**
     * @param {AnyPool | undefined} pool
     * @param {string} kernel
     * @param {string | undefined} route
     * @returns {TaskLabels | undefined} none if it is not watched
     */
    const labelsOf = (pool, kernel, route) => {
      if (pool !== undefined && !watched.has(pool)) return undefined
      const labels = { pool: pool === undefined ? LIBUV : pool.name, kernel: bounded(this.#kernels, kernel) }
      return route === undefined ? labels : { route: bounded(this.#routes, route), ...labels }
    }
    this.#observer = {
      ended: (pool, kernel, outcome, route) => {
        const labels = labelsOf(pool, kernel, route)
        if (labels === undefined) return
        this.#show(labels)
        this.#give((sink) => sink.tasks({ ...labels, outcome }, 1))
      },
      measured: (pool, kernel, wait, run, route) => {
        const labels = labelsOf(pool, kernel, route)
        // One that never began has not waited for its beginning.
        if (run === 0 || labels === undefined) return
        this.#give((sink) => sink.wait(labels, wait / 1e3))
        this.#give((sink) => sink.run(labels, run / 1e3))
      },
    }
    observers.add(this.#observer)
    this.#timers = [
      setInterval(() => this.#delays.look(performance.now()), LOOK_MS).unref(),
      setInterval(() => this.#note(), NOTE_MS).unref(),
    ]
  }

  stop() {
    observers.delete(this.#observer)
    for (const timer of this.#timers) clearInterval(timer)
  }

  /**
   * @param {(stats: any) => number} figure
   * @returns {{ pool: string, value: number }[]}
   */
  each(figure) {
    return this.#values((pool) => figure(pool.stats()))
  }

  /** Thread time spent in kernels since the pool began, in seconds; of other machines' threads, those report it. */
  busy() {
    return this.#values((pool) => (this.#shares.has(pool) ? this.#threadTime(pool).used / 1e3 : NaN))
  }

  /**
   * The share of thread time spent in kernels in the last minute, at first since the pool began. Of other machines' threads only a mean since
   * their pools began is known here; those report it.
   */
  utilization() {
    return this.#values((pool) => this.#shares.get(pool)?.ratio(performance.now(), this.#threadTime(pool)) ?? NaN)
  }

  /** How late the event loop was in the last minute, in seconds. */
  eventLoopDelay() {
    return this.#delays.summary(performance.now())
  }

  /**
   * @param {(pool: AnyPool) => number} figure
   * @returns {{ pool: string, value: number }[]}
   */
  #values(figure) {
    const values = this.#pools.map((pool) => ({ pool: pool.name, value: figure(pool) }))
    return values.filter(({ value }) => Number.isFinite(value))
  }

  /**
   * What a pool has used and could have, in milliseconds.
   * @param {AnyPool} pool
   */
  #threadTime(pool) {
    const { utilization, threads, uptime } = pool.stats()
    const had = threads * uptime
    // What is a product may be less than before by its last bit, which would look as if everything had begun anew.
    const used = Math.max(utilization * had, this.#busy.get(pool) ?? 0)
    this.#busy.set(pool, used)
    return { used, had }
  }

  #note() {
    for (const [pool, share] of this.#shares) {
      // The default pool starts its threads when it is first used, or asked; not for this.
      if (this.#busy.has(pool)) share.note(performance.now(), this.#threadTime(pool))
    }
  }

  /**
   * Shows all outcomes as 0, before there are any: what a series begins with is no increase.
   * @param {TaskLabels} labels
   */
  #show(labels) {
    const name = `${labels.pool}\0${labels.kernel}\0${labels.route}`
    if (this.#shown.has(name)) return
    this.#shown.add(name)
    for (const outcome of OUTCOMES) this.#give((sink) => sink.tasks({ ...labels, outcome }, 0))
  }

  /**
   * Calls the sink. What an instrument throws is no reason to end a process that does its work: it becomes a warning.
   * @param {(sink: Sink) => void} say
   */
  #give(say) {
    try {
      say(this.#sink)
    } catch (error) {
      if (this.#isNew('not recorded')) {
        process.emitWarning(`A metric was not recorded: ${messageOf(error)}`, 'HeavyLoadWarning')
      }
    }
  }
}

/**
 * A name, or that of all others once there are too many.
 * @param {Set<string>} names
 * @param {string} name
 */
function bounded(names, name) {
  if (names.size < MOST_NAMES) names.add(name)
  return names.has(name) ? name : OTHERS
}

/** @param {unknown} error whatever was thrown */
function messageOf(error) {
  try {
    return String(/** @type {any} */ (error)?.message ?? error)
  } catch {
    // It does not let itself be looked at.
    return 'an error without a message'
  }
}

/**
 * Checks the options, and gives the pools.
 * @param {any} options
 * @returns {AnyPool[]}
 */
function poolsOf(options) {
  refuseUnknown('options', options, OPTIONS)
  const { pools = [defaultPool] } = options
  if (!Array.isArray(pools)) throw invalidType('options.pools', 'an instance of Array', pools)
  for (const pool of pools) {
    if (typeof pool?.stats !== 'function') throw invalidType('options.pools', 'an array of Pools', pool)
    // Its tasks are told to the observers of its own copy: here, none would ever be counted.
    if (ofAnotherCopy(pool) !== '') {
      throw invalidType('options.pools', 'an array of Pools of this copy of heavy-load, which sees their tasks', pool)
    }
  }
  const names = pools.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) < index)
  if (twice !== undefined) {
    // By default, a queue has the name of the pool of the process.
    throw invalidValue('options.pools', 'must have names that differ, a RemotePool that of its queue', twice)
  }
  return [...pools]
}

module.exports = { BUCKETS, Watch, poolsOf }
