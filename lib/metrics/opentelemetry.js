'use strict'

const { invalidType } = require('../errors.js')
const { BUCKETS, Watch } = require('./watch.js')

/**
 * Makes OpenTelemetry's instruments.
 * @param {any} meter
 * @param {any} [options]
 */
function instrument(meter, options = {}) {
  if (typeof meter?.createObservableGauge !== 'function') {
    throw invalidType('meter', 'an OpenTelemetry Meter', meter)
  }
  const advice = { explicitBucketBoundaries: BUCKETS }
  const tasks = meter.createCounter('heavy_load.tasks', {
    description: 'Tasks whose promise was settled, by outcome.',
    unit: '{task}',
  })
  const wait = meter.createHistogram('heavy_load.wait.duration', {
    description: 'From the call of a task to its first instruction.',
    unit: 's',
    advice,
  })
  const run = meter.createHistogram('heavy_load.run.duration', {
    description: 'From the first instruction of a task to its end, pauses included.',
    unit: 's',
    advice,
  })
  const watch = new Watch(options, {
    task: (labels) => tasks.add(1, attributes(labels)),
    wait: (labels, seconds) => wait.record(seconds, attributes(labels)),
    run: (labels, seconds) => run.record(seconds, attributes(labels)),
  })
  /** @type {(() => void)[]} */
  const stops = [() => watch.stop()]
  /**
   * @param {any} instrument
   * @param {() => { pool?: string, value: number }[]} values
   */
  const observe = (instrument, values) => {
    const callback = (/** @type {any} */ result) => {
      for (const { value, ...labels } of values()) result.observe(value, attributes(labels))
    }
    instrument.addCallback(callback)
    stops.push(() => instrument.removeCallback(callback))
  }
  const count = (/** @type {string} */ name, /** @type {string} */ description, /** @type {string} */ unit) =>
    meter.createObservableUpDownCounter(name, { description, unit })

  observe(count('heavy_load.queue.depth', 'Tasks that have not begun.', '{task}'), () =>
    watch.each(({ queued }) => queued),
  )
  observe(count('heavy_load.running', 'Tasks that have begun and not ended.', '{task}'), () =>
    watch.each(({ running }) => running),
  )
  observe(
    count('heavy_load.memory', 'Working memory of the tasks that have begun, as their kernels estimate it.', 'By'),
    () => watch.each(({ memory }) => memory),
  )
  observe(count('heavy_load.threads', 'Threads of the pool.', '{thread}'), () => watch.each(({ threads }) => threads))
  observe(
    meter.createObservableGauge('heavy_load.utilization', {
      description: 'Share of thread time spent in kernels since the last collection.',
      unit: '1',
    }),
    () => watch.utilization(),
  )
  observe(
    meter.createObservableGauge('heavy_load.event_loop.delay', {
      description: '99th percentile of how late the event loop was since the last collection.',
      unit: 's',
    }),
    () => [{ value: watch.eventLoopDelay() }],
  )
  return () => {
    for (const stop of stops) stop()
  }
}

/**
 * Labels by OpenTelemetry's conventions: in a namespace of their own.
 * @param {{ pool?: string, kernel?: string, outcome?: string }} labels
 */
function attributes({ pool, kernel, outcome }) {
  return {
    ...(pool !== undefined && { 'heavy_load.pool.name': pool }),
    ...(kernel !== undefined && { 'heavy_load.kernel': kernel }),
    ...(outcome !== undefined && { 'heavy_load.outcome': outcome }),
  }
}

module.exports = { instrument }
