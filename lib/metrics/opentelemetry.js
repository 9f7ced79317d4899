'use strict'

const { invalidType } = require('../errors.js')
const { BUCKETS, Watch, poolsOf } = require('./watch.js')

/**
 * Makes OpenTelemetry's instruments.
 * @param {any} meter
 * @param {any} [options]
 */
function instrument(meter, options = {}) {
  if (typeof meter?.createObservableGauge !== 'function') {
    throw invalidType('meter', 'an OpenTelemetry Meter', meter)
  }
  const pools = poolsOf(options)
  /** @type {(() => void)[]} */
  const stops = []
  const stop = () => {
    for (const undo of stops) undo()
  }
  try {
    observe(meter, pools, stops)
  } catch (error) {
    // A meter that throws leaves nothing behind.
    stop()
    throw error
  }
  return stop
}

/**
 * @param {any} meter
 * @param {import('./watch.js').AnyPool[]} pools
 * @param {(() => void)[]} stops how what is made here ends
 */
function observe(meter, pools, stops) {
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
  const watch = new Watch(pools, {
    tasks: (labels, count) => tasks.add(count, attributes(labels)),
    wait: (labels, seconds) => wait.record(seconds, attributes(labels)),
    run: (labels, seconds) => run.record(seconds, attributes(labels)),
  })
  stops.push(() => watch.stop())
  /**
   * @param {any} instrument
   * @param {() => { pool?: string, value: number }[]} values
   */
  const show = (instrument, values) => {
    const callback = (/** @type {any} */ result) => {
      for (const { value, ...labels } of values()) result.observe(value, attributes(labels))
    }
    instrument.addCallback(callback)
    stops.push(() => instrument.removeCallback(callback))
  }
  const count = (/** @type {string} */ name, /** @type {string} */ description, /** @type {string} */ unit) =>
    meter.createObservableUpDownCounter(name, { description, unit })

  show(count('heavy_load.queue.depth', 'Tasks that have not begun.', '{task}'), () =>
    watch.each(({ queued }) => queued),
  )
  show(count('heavy_load.running', 'Tasks that have begun and not ended.', '{task}'), () =>
    watch.each(({ running }) => running),
  )
  show(
    count('heavy_load.memory', 'Working memory of the tasks that have begun, as their kernels estimate it.', 'By'),
    () => watch.each(({ memory }) => memory),
  )
  show(count('heavy_load.threads', 'Threads of the pool.', '{thread}'), () => watch.each(({ threads }) => threads))
  // Meters of somebody's own may know only the other instruments, which were all that was needed once.
  const busy = meter.createObservableCounter?.('heavy_load.busy.time', {
    description: 'Thread time spent in kernels since the pool began.',
    unit: 's',
  })
  if (busy !== undefined) show(busy, () => watch.busy())
  const gauge = (/** @type {string} */ name, /** @type {string} */ description, /** @type {string} */ unit) =>
    meter.createObservableGauge(name, { description, unit })
  show(gauge('heavy_load.utilization', 'Share of thread time spent in kernels in the last minute.', '1'), () =>
    watch.utilization(),
  )
  show(
    gauge('heavy_load.event_loop.delay', '99th percentile of how late the event loop was in the last minute.', 's'),
    () => [{ value: watch.eventLoopDelay().p99 }],
  )
  show(gauge('heavy_load.event_loop.delay.max', 'How late the event loop was at most in the last minute.', 's'), () => [
    { value: watch.eventLoopDelay().max },
  ])
}

/**
 * Labels by OpenTelemetry's conventions: in a namespace of their own, but for the route, which has a name there.
 * @param {{ pool?: string, kernel?: string, route?: string, outcome?: string }} labels
 */
function attributes({ pool, kernel, route, outcome }) {
  return {
    ...(pool !== undefined && { 'heavy_load.pool.name': pool }),
    ...(kernel !== undefined && { 'heavy_load.kernel': kernel }),
    ...(route !== undefined && { 'http.route': route }),
    ...(outcome !== undefined && { 'heavy_load.outcome': outcome }),
  }
}

module.exports = { instrument }
