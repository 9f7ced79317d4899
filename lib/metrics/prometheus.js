'use strict'

const { invalidType } = require('../errors.js')
const { BUCKETS, Watch } = require('./watch.js')

/**
 * Makes prom-client collectors.
 * @param {any} register
 * @param {any} [options]
 */
function registerMetrics(register, options = {}) {
  if (typeof register?.registerMetric !== 'function') {
    throw invalidType('register', "an instance of prom-client's Registry", register)
  }
  const { Counter, Gauge, Histogram } = require('prom-client')
  const registers = [register]
  /** @type {{ name: string }[]} */
  const made = []
  const keep = (/** @type {any} */ metric) => {
    made.push(metric)
    return metric
  }
  const task = { registers, labelNames: ['pool', 'kernel'] }
  /** @type {{ task: any, wait: any, run: any }} */
  const sink = { task: undefined, wait: undefined, run: undefined }
  // First, since it checks the options: nothing is registered for wrong ones.
  const watch = new Watch(options, {
    task: (labels) => sink.task.inc(labels),
    wait: (labels, seconds) => sink.wait.observe(labels, seconds),
    run: (labels, seconds) => sink.run.observe(labels, seconds),
  })
  /**
   * @param {string} name
   * @param {string} help
   * @param {() => { pool: string, value: number }[]} values
   */
  const gauge = (name, help, values) => {
    const collect = /** @this {any} */ function collect() {
      for (const { pool, value } of values()) this.set({ pool }, value)
    }
    keep(new Gauge({ name, help, registers, labelNames: ['pool'], collect }))
  }
  try {
    sink.task = keep(
      new Counter({
        name: 'heavy_load_tasks_total',
        help: 'Tasks whose promise was settled, by outcome: completed, failed, cancelled, timed_out or rejected.',
        registers,
        labelNames: ['pool', 'kernel', 'outcome'],
      }),
    )
    sink.wait = keep(
      new Histogram({
        ...task,
        name: 'heavy_load_wait_seconds',
        help: 'From the call of a task to its first instruction.',
        buckets: BUCKETS,
      }),
    )
    sink.run = keep(
      new Histogram({
        ...task,
        name: 'heavy_load_run_seconds',
        help: 'From the first instruction of a task to its end, pauses included.',
        buckets: BUCKETS,
      }),
    )
    gauge('heavy_load_queue_depth', 'Tasks that have not begun.', () => watch.each(({ queued }) => queued))
    gauge('heavy_load_running', 'Tasks that have begun and not ended, paused ones included.', () =>
      watch.each(({ running }) => running),
    )
    gauge('heavy_load_memory_bytes', 'Working memory of the tasks that have begun, as their kernels estimate it.', () =>
      watch.each(({ memory }) => memory),
    )
    gauge('heavy_load_threads', 'Threads of the pool.', () => watch.each(({ threads }) => threads))
    gauge('heavy_load_utilization_ratio', 'Share of thread time spent in kernels since the last collection.', () =>
      watch.utilization(),
    )
    keep(
      new Gauge({
        name: 'heavy_load_event_loop_delay_seconds',
        help: '99th percentile of how late the event loop was since the last collection.',
        registers,
        collect() {
          this.set(watch.eventLoopDelay())
        },
      }),
    )
  } catch (error) {
    stop()
    throw error
  }
  return stop

  function stop() {
    watch.stop()
    for (const { name } of made) register.removeSingleMetric(name)
  }
}

module.exports = { registerMetrics }
