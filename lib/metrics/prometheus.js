'use strict'

const { invalidType, makeError } = require('../errors.js')
const { BUCKETS, Watch, poolsOf } = require('./watch.js')

/** Of all metrics, the one that is made first. */
const FIRST_NAME = 'heavy_load_tasks_total'

/**
 * Makes prom-client collectors.
 * @param {any} register
 * @param {any} [options]
 */
function registerMetrics(register, options = {}) {
  if (typeof register?.registerMetric !== 'function') {
    throw invalidType('register', "an instance of prom-client's Registry", register)
  }
  const pools = poolsOf(options)
  refuseSecond(register)
  const { Counter, Gauge, Histogram } = require('prom-client')
  const registers = [register]
  /** @type {{ name: string }[]} */
  const made = []
  const keep = (/** @type {any} */ metric) => {
    made.push(metric)
    return metric
  }
  /** @type {Watch} */
  let watch
  /**
   * `aggregator`: how prom-client's AggregatorRegistry makes one figure of those of the processes of a cluster.
   * @param {string} name
   * @param {string} help
   * @param {'sum' | 'average' | 'max'} aggregator
   * @param {() => { pool?: string, value: number }[]} values
   */
  const gauge = (name, help, aggregator, values) => {
    const collect = /** @this {any} */ function collect() {
      this.reset()
      for (const { value, ...labels } of values()) this.set(labels, value)
    }
    keep(new Gauge({ name, help, registers, aggregator, labelNames: ['pool'], collect }))
  }
  /**
   * @param {string} name
   * @param {string} help
   */
  const histogram = (name, help) =>
    keep(new Histogram({ name, help, registers, labelNames: ['pool', 'kernel', 'route'], buckets: BUCKETS }))
  try {
    const tasks = keep(
      new Counter({
        name: FIRST_NAME,
        help: 'Tasks whose promise was settled, by outcome: completed, failed, cancelled, timed_out or rejected.',
        registers,
        labelNames: ['pool', 'kernel', 'route', 'outcome'],
      }),
    )
    const wait = histogram('heavy_load_wait_seconds', 'From the call of a task to its first instruction.')
    const run = histogram('heavy_load_run_seconds', 'From the first instruction of a task to its end, pauses included.')
    gauge('heavy_load_queue_depth', 'Tasks that have not begun.', 'sum', () => watch.each(({ queued }) => queued))
    gauge('heavy_load_running', 'Tasks that have begun and not ended, paused ones included.', 'sum', () =>
      watch.each(({ running }) => running),
    )
    gauge(
      'heavy_load_memory_bytes',
      'Working memory of the tasks that have begun, as their kernels estimate it.',
      'sum',
      () => watch.each(({ memory }) => memory),
    )
    gauge('heavy_load_threads', 'Threads of the pool.', 'sum', () => watch.each(({ threads }) => threads))
    keep(
      new Counter({
        name: 'heavy_load_busy_seconds_total',
        help: 'Thread time spent in kernels since the pool began.',
        registers,
        labelNames: ['pool'],
        collect() {
          this.reset()
          for (const { pool, value } of watch.busy()) this.inc({ pool }, value)
        },
      }),
    )
    gauge('heavy_load_utilization_ratio', 'Share of thread time spent in kernels in the last minute.', 'average', () =>
      watch.utilization(),
    )
    gauge(
      'heavy_load_event_loop_delay_seconds',
      '99th percentile of how late the event loop was in the last minute.',
      'max',
      () => [{ value: watch.eventLoopDelay().p99 }],
    )
    gauge(
      'heavy_load_event_loop_delay_max_seconds',
      'How late the event loop was at most in the last minute.',
      'max',
      () => [{ value: watch.eventLoopDelay().max }],
    )
    watch = new Watch(pools, {
      tasks: (labels, count) => tasks.inc(labels, count),
      wait: (labels, seconds) => wait.observe(labels, seconds),
      run: (labels, seconds) => run.observe(labels, seconds),
    })
  } catch (error) {
    stop()
    throw error
  }
  return stop

  function stop() {
    watch?.stop()
    for (const { name } of made) register.removeSingleMetric(name)
  }
}

/**
 * A registry takes each name once. Its own error would not say what to do.
 * @param {any} register
 */
function refuseSecond(register) {
  if (register.getSingleMetric?.(FIRST_NAME) === undefined) return
  const advice =
    'name all pools in one call, or call the function that the first call returned, which removes its metrics'
  throw makeError('ERR_INVALID_ARG_VALUE', `The "register" argument has heavy-load's metrics already: ${advice}`)
}

module.exports = { registerMetrics }
