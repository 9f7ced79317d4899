// Metrics count what was done, by the names and units that Prometheus and OpenTelemetry have for them.
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import test from 'ava'
import { heavyLoad, heavyLoadAsync, heavyLoadSync, spin } from 'heavy-load'
import { instrument, registerMetrics } from 'heavy-load/metrics'
import { Registry } from 'prom-client'
import { ENDLESS, hold, openPool, outcome } from '../helpers/pool.mjs'
import { until } from '../helpers/turns.mjs'

const BAD = [undefined, null, 1, {}]
const KERNELS = ['heavyLoad', 'heavyLoadShared', 'hash', 'sort', 'spin']
const OUTCOMES = ['cancelled', 'completed', 'failed', 'rejected', 'timed_out']

/** One task of each end, on a pool with one thread and no queue. */
async function work(pool) {
  const controller = new AbortController()
  const { signal } = controller
  await heavyLoad(10, { pool })
  await spin(2, { pool })
  await outcome(heavyLoad(ENDLESS, { pool, timeout: 50 }))
  await until(() => pool.stats().running === 0)
  const aborted = outcome(heavyLoad(ENDLESS, { pool, signal }))
  await until(() => pool.stats().running === 1)
  await outcome(spin(1, { pool }))
  controller.abort()
  await aborted
  await until(() => pool.stats().running === 0)
  // Ends come in order: with this one, all are there.
  await heavyLoad(10, { pool })
  // These count nowhere.
  await outcome(heavyLoad('x', { pool }))
  heavyLoadSync(10)
}

const ENDS = [
  { kernel: 'heavyLoad', outcome: 'cancelled', value: 1 },
  { kernel: 'heavyLoad', outcome: 'completed', value: 2 },
  { kernel: 'heavyLoad', outcome: 'timed_out', value: 1 },
  { kernel: 'spin', outcome: 'completed', value: 1 },
  { kernel: 'spin', outcome: 'rejected', value: 1 },
]

const byName = (a, b) => `${a.kernel} ${a.outcome}`.localeCompare(`${b.kernel} ${b.outcome}`)

test('prom-client: counts equal what was done', async (t) => {
  const register = new Registry()
  const pool = openPool(t, { threads: 1, maxQueue: 0, name: 'counted' })
  const other = openPool(t, { threads: 1, name: 'not counted' })
  t.teardown(registerMetrics(register, { pools: [pool] }))
  await work(pool)
  await heavyLoad(10, { pool: other })
  await heavyLoadAsync(10)

  const values = async (name) => (await register.getSingleMetric(name).get()).values
  const tasks = (await values('heavy_load_tasks_total')).map(({ labels, value }) => ({ ...labels, value }))
  const counted = tasks.filter(({ value }) => value > 0)
  const ours = counted.filter(({ pool }) => pool === 'counted').map(({ pool, ...rest }) => rest)
  t.deepEqual(ours.sort(byName), ENDS)
  t.deepEqual(
    counted.filter(({ pool }) => pool !== 'counted'),
    [{ pool: 'libuv', kernel: 'heavyLoad', outcome: 'completed', value: 1 }],
  )
  const { completed, cancelled, timedOut, rejected } = pool.stats()
  t.deepEqual([completed, cancelled, timedOut, rejected], [3, 1, 1, 1], 'and the statistics agree')

  for (const name of ['heavy_load_wait_seconds', 'heavy_load_run_seconds']) {
    const counts = (await values(name)).filter(({ metricName }) => metricName === `${name}_count`)
    const began = counts
      .filter(({ labels }) => labels.pool === 'counted')
      .map(({ labels, value }) => [labels.kernel, value])
    t.deepEqual(Object.fromEntries(began), { heavyLoad: 4, spin: 1 }, name)
  }
  const ranFor = (await values('heavy_load_run_seconds')).find(
    ({ metricName, labels }) => metricName === 'heavy_load_run_seconds_sum' && labels.kernel === 'spin',
  )
  t.true(ranFor.value >= 0.002, 'seconds')
})

test('prom-client: outcomes are there from the start, as 0', async (t) => {
  const register = new Registry()
  const pool = openPool(t, { threads: 1, name: 'new' })
  t.teardown(registerMetrics(register, { pools: [pool] }))
  const { values } = await register.getSingleMetric('heavy_load_tasks_total').get()
  for (const name of ['new', 'libuv']) {
    for (const kernel of KERNELS) {
      const ours = values.filter(({ labels }) => labels.pool === name && labels.kernel === kernel)
      t.deepEqual(ours.map(({ labels }) => labels.outcome).sort(), OUTCOMES, `${name} ${kernel}`)
      if (name === 'new') t.true(ours.every(({ value }) => value === 0))
    }
  }
})

test('prom-client: what map tries again is not rejected, what it gives up is, once', async (t) => {
  const register = new Registry()
  const pool = openPool(t, { threads: 1, maxQueue: 0, name: 'mapped' })
  t.teardown(registerMetrics(register, { pools: [pool] }))
  const counted = async (outcome) => {
    const { values } = await register.getSingleMetric('heavy_load_tasks_total').get()
    const ours = values.filter(({ labels }) => labels.pool === 'mapped' && labels.outcome === outcome)
    return ours.reduce((sum, { value }) => sum + value, 0)
  }
  for await (const { value } of pool.map(spin, Array(20).fill(1), { concurrency: 8 })) t.true(value >= 1)
  t.deepEqual([await counted('completed'), await counted('rejected')], [20, 0])
  t.like(pool.stats(), { completed: 20, rejected: 0 }, 'and the statistics agree')

  const release = await hold(pool)
  await t.throwsAsync(pool.map(spin, [1, 1, 1]).next(), { code: 'ERR_POOL_OVERLOADED' })
  await release()
  t.is(await counted('rejected'), 1)
  t.is(pool.stats().rejected, 1)
})

test('prom-client: gauges show the pool as it is', async (t) => {
  const register = new Registry()
  const pool = openPool(t, { threads: 2, name: 'gauged' })
  t.teardown(registerMetrics(register, { pools: [pool] }))
  const controller = new AbortController()
  const { signal } = controller
  const running = [1, 2].map(() => outcome(spin(1e9, { pool, signal, priority: 'high' })))
  await until(() => pool.stats().running === 2)
  const queued = [1, 2, 3].map(() => outcome(spin(1, { pool, signal })))
  const value = async (name) => (await register.getSingleMetric(name).get()).values[0].value
  t.is(await value('heavy_load_running'), 2)
  t.is(await value('heavy_load_queue_depth'), 3)
  t.is(await value('heavy_load_threads'), 2)
  await until(() => pool.stats().utilization > 0.1)
  const share = await value('heavy_load_utilization_ratio')
  t.true(share > 0 && share <= 1)
  await value('heavy_load_event_loop_delay_seconds')
  const began = performance.now()
  while (performance.now() - began < 50);
  const stall = (performance.now() - began) / 1e3
  t.true((await value('heavy_load_event_loop_delay_seconds')) > stall / 2, 'also right after it was asked')
  controller.abort()
  await Promise.all([...running, ...queued])
  await until(() => pool.stats().running === 0)
  t.is(await value('heavy_load_running'), 0)
})

test("prom-client: names, labels and units keep Prometheus' conventions", async (t) => {
  const register = new Registry()
  const pool = openPool(t, { threads: 1 })
  t.teardown(registerMetrics(register, { pools: [pool] }))
  await heavyLoad(10, { pool })
  const metrics = await register.getMetricsAsJSON()
  const names = metrics.map(({ name }) => name).sort()
  t.deepEqual(names, [
    'heavy_load_busy_seconds_total',
    'heavy_load_event_loop_delay_max_seconds',
    'heavy_load_event_loop_delay_seconds',
    'heavy_load_memory_bytes',
    'heavy_load_queue_depth',
    'heavy_load_run_seconds',
    'heavy_load_running',
    'heavy_load_tasks_total',
    'heavy_load_threads',
    'heavy_load_utilization_ratio',
    'heavy_load_wait_seconds',
  ])
  for (const { name, type, help, values } of metrics) {
    // What `promtool check metrics` looks at.
    t.regex(name, /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/, name)
    t.is(name.endsWith('_total'), type === 'counter', name)
    t.notRegex(name, /_(count|sum|bucket|milliseconds|ms|percent)$/, name)
    t.notRegex(name, new RegExp(`_${type}`), name)
    t.true(help.length > 0, name)
    for (const { labels } of values) {
      for (const label of Object.keys(labels)) {
        t.regex(label, /^[a-z]+$/)
        t.true(label !== 'quantile' && (label !== 'le' || type === 'histogram'))
      }
    }
  }
})

test('prom-client: stops, and can begin again', async (t) => {
  const register = new Registry()
  const pool = openPool(t, { threads: 1 })
  const stop = registerMetrics(register, { pools: [pool] })
  t.throws(() => registerMetrics(register, { pools: [pool] }), {
    message: /metrics already: .* the function that the first call returned/,
  })
  t.is(register.getMetricsAsArray().length, 11, 'the first are still there')
  stop()
  t.deepEqual(register.getMetricsAsArray(), [])
  await heavyLoad(10, { pool })
  registerMetrics(register, { pools: [pool] })()
})

test('prom-client: a pool of other machines has what its statistics have', async (t) => {
  const register = new Registry()
  const figures = { threads: 8, uptime: 60_000, utilization: 0.5, running: 3 }
  const remote = { name: 'remote', stats: () => figures }
  t.teardown(registerMetrics(register, { pools: [openPool(t, { threads: 1, name: 'local' }), remote] }))
  const values = async (name) => {
    const { values } = await register.getSingleMetric(name).get()
    return Object.fromEntries(values.map(({ labels, value }) => [labels.pool, value]))
  }
  t.deepEqual(await values('heavy_load_running'), { local: 0, remote: 3 })
  t.deepEqual(await values('heavy_load_threads'), { local: 1, remote: 8 })
  t.deepEqual(await values('heavy_load_queue_depth'), { local: 0 }, 'which it does not tell')
  t.deepEqual(await values('heavy_load_utilization_ratio'), { local: 0 }, 'it knows no last minute')
  t.deepEqual(await values('heavy_load_busy_seconds_total'), { local: 0 }, "those threads' own process tells it")
  figures.running = undefined
  t.deepEqual(await values('heavy_load_running'), { local: 0 }, 'and no longer than that')
})

test('OpenTelemetry: the same, by its conventions', async (t) => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter })
  const provider = new MeterProvider({ readers: [reader] })
  t.teardown(() => provider.shutdown())
  const pool = openPool(t, { threads: 1, maxQueue: 0, name: 'counted' })
  const stop = instrument(provider.getMeter('test'), { pools: [pool] })
  await work(pool)
  await provider.forceFlush()
  const { metrics } = exporter.getMetrics().at(-1).scopeMetrics[0]
  const units = Object.fromEntries(metrics.map(({ descriptor: { name, unit } }) => [name, unit]))
  t.deepEqual(units, {
    'heavy_load.busy.time': 's',
    'heavy_load.event_loop.delay': 's',
    'heavy_load.event_loop.delay.max': 's',
    'heavy_load.memory': 'By',
    'heavy_load.queue.depth': '{task}',
    'heavy_load.run.duration': 's',
    'heavy_load.running': '{task}',
    'heavy_load.tasks': '{task}',
    'heavy_load.threads': '{thread}',
    'heavy_load.utilization': '1',
    'heavy_load.wait.duration': 's',
  })
  const points = (name) =>
    metrics
      .find(({ descriptor }) => descriptor.name === name)
      // Other tests of this file use libuv's threads meanwhile.
      .dataPoints.filter(({ attributes }) => attributes['heavy_load.pool.name'] === 'counted')
  const tasks = points('heavy_load.tasks').map(({ attributes, value }) => {
    return { kernel: attributes['heavy_load.kernel'], outcome: attributes['heavy_load.outcome'], value }
  })
  t.deepEqual(tasks.filter(({ value }) => value > 0).sort(byName), ENDS)
  t.is(tasks.length, KERNELS.length * OUTCOMES.length, 'others are 0')
  t.is(points('heavy_load.threads')[0].value, 1)
  const runs = points('heavy_load.run.duration').map(({ attributes, value }) => [
    attributes['heavy_load.kernel'],
    value.count,
  ])
  t.deepEqual(Object.fromEntries(runs), { heavyLoad: 4, spin: 1 })
  stop()
})

test('OpenTelemetry: a meter that throws leaves nothing behind', async (t) => {
  const broken = new Error('no room for an instrument')
  const recorded = []
  const callbacks = new Set()
  const observable = {
    addCallback: (callback) => callbacks.add(callback),
    removeCallback: (callback) => callbacks.delete(callback),
  }
  const meter = {
    createCounter: () => ({ add: (count) => recorded.push(count) }),
    createHistogram: () => ({ record: (seconds) => recorded.push(seconds) }),
    createObservableUpDownCounter: () => observable,
    createObservableGauge: () => {
      throw broken
    },
  }
  const pool = openPool(t, { threads: 1, name: 'broken meter' })
  t.is(
    t.throws(() => instrument(meter, { pools: [pool] })),
    broken,
  )
  recorded.length = 0
  await heavyLoad(10, { pool })
  t.deepEqual(recorded, [])
  t.is(callbacks.size, 0)
})

test('bad arguments say what is wrong', (t) => {
  const register = new Registry()
  for (const bad of BAD) t.throws(() => registerMetrics(bad), { code: 'ERR_INVALID_ARG_TYPE' })
  for (const bad of BAD) t.throws(() => instrument(bad), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => registerMetrics(register, { pools: 1 }), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => registerMetrics(register, { pools: [1] }), { code: 'ERR_INVALID_ARG_TYPE' })
  const twins = [1, 2].map(() => openPool(t, { threads: 1, name: 'twin' }))
  t.throws(() => registerMetrics(register, { pools: twins }), { code: 'ERR_INVALID_ARG_VALUE' })
  t.deepEqual(register.getMetricsAsArray(), [])
})
