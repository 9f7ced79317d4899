'use strict'

/** What is seen of pools and their tasks, whatever kind of metrics is made of it. */

const { createHistogram } = require('node:perf_hooks')
const { invalidType, invalidValue } = require('../errors.js')
const { clearInterval, performance, setInterval } = require('../host.js')
const { refuseUnknown } = require('../options.js')
const { observers } = require('../observe.js')
const { Pool, defaultPool } = require('../pool.js')

/** Upper bounds of the histograms' buckets, in seconds: from a short task to the longest that anybody waits for. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
/** How often the event loop is asked for a turn, in milliseconds: how much later it comes is its delay. */
const LOOK_MS = 10
const OPTIONS = new Set(['pools'])

/**
 * What a kind of metrics does with what is seen.
 * @typedef {object} Sink
 * @property {(labels: TaskLabels & { outcome: string }) => void} task a task's promise was settled
 * @property {(labels: TaskLabels, seconds: number) => void} wait from the call to the first instruction
 * @property {(labels: TaskLabels, seconds: number) => void} run from there to the end
 * @typedef {{ pool: string, kernel: string }} TaskLabels
 */

/** Looks at pools, from its making until `stop`. */
class Watch {
  #pools
  #observer
  /**
   * Of the event loop, in microseconds. Not monitorEventLoopDelay: that misses a loop that is blocked right after a reset.
   */
  #delay = createHistogram()
  #looked = performance.now()
  /** @type {NodeJS.Timeout} */
  #timer
  /** Thread time that each pool had used, and could have, in milliseconds, when that was asked last. */
  #used = new WeakMap()

  /**
   * @param {any} options
   * @param {Sink} sink
   */
  constructor(options, sink) {
    this.#pools = poolsOf(options)
    const watched = new Set(this.#pools)
    /** @param {Pool | undefined} pool */
    const labelOf = (pool) => (pool === undefined ? 'libuv' : watched.has(pool) ? pool.name : undefined)
    this.#observer = {
      /** @type {import('../observe.js').Observer['ended']} */
      ended: (of, kernel, outcome) => {
        const pool = labelOf(of)
        if (pool !== undefined) sink.task({ pool, kernel, outcome })
      },
      /** @type {import('../observe.js').Observer['measured']} */
      measured: (of, kernel, wait, run) => {
        const pool = labelOf(of)
        // One that never began has not waited for its beginning.
        if (run === 0 || pool === undefined) return
        sink.wait({ pool, kernel }, wait / 1e3)
        sink.run({ pool, kernel }, run / 1e3)
      },
    }
    observers.add(this.#observer)
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref()
  }

  stop() {
    observers.delete(this.#observer)
    clearInterval(this.#timer)
  }

  /**
   * @param {(stats: ReturnType<Pool['stats']>) => number} figure
   * @returns {{ pool: string, value: number }[]}
   */
  each(figure) {
    return this.#pools.map((pool) => ({ pool: pool.name, value: figure(pool.stats()) }))
  }

  /** The share of thread time spent in kernels since this was asked last. */
  utilization() {
    return this.#pools.map((pool) => {
      const { utilization, threads, uptime } = pool.stats()
      const now = { used: utilization * threads * uptime, had: threads * uptime }
      const { used, had } = this.#used.get(pool) ?? { used: 0, had: 0 }
      this.#used.set(pool, now)
      const value = now.had > had ? (now.used - used) / (now.had - had) : 0
      return { pool: pool.name, value: Math.min(1, Math.max(0, value)) }
    })
  }

  #look() {
    const now = performance.now()
    this.#delay.record(Math.max(1, Math.round((now - this.#looked - LOOK_MS) * 1e3)))
    this.#looked = now
  }

  /** How late the event loop came to 99 % of what was due since this was asked last, at most; in seconds. */
  eventLoopDelay() {
    // What has held the look up has held this up too, and belongs here.
    if (performance.now() - this.#looked > LOOK_MS) this.#look()
    const p99 = this.#delay.count === 0 ? 0 : this.#delay.percentile(99) / 1e6
    this.#delay.reset()
    return p99
  }
}

/**
 * @param {any} options
 * @returns {Pool[]}
 */
function poolsOf(options) {
  refuseUnknown('options', options, OPTIONS)
  const { pools = [defaultPool] } = options
  if (!Array.isArray(pools)) throw invalidType('options.pools', 'an instance of Array', pools)
  for (const pool of pools) {
    if (!(pool instanceof Pool)) throw invalidType('options.pools', 'an array of Pools', pool)
  }
  if (new Set(pools.map(({ name }) => name)).size < pools.length) {
    throw invalidValue(
      'options.pools',
      'must have names that differ',
      pools.map(({ name }) => name),
    )
  }
  return [...pools]
}

module.exports = { BUCKETS, Watch }
