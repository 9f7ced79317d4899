// Figures over a window of their own: a stall counts for as long as it was, and a second scraper sees what the first one does.
import { createRequire } from 'node:module'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import test from 'ava'
import { spin } from 'heavy-load'
import { instrument, registerMetrics } from 'heavy-load/metrics'
import { AggregatorRegistry, Registry } from 'prom-client'
import { hold, openPool } from '../helpers/pool.mjs'
import { until } from '../helpers/turns.mjs'

const { Delays, Share } = createRequire(import.meta.url)('../../lib/metrics/last-minute.js')
const DELAY = 'heavy_load_event_loop_delay_seconds'
const DELAY_MAX = 'heavy_load_event_loop_delay_max_seconds'
const UTILIZATION = 'heavy_load_utilization_ratio'
const BUSY = 'heavy_load_busy_seconds_total'

async function value(register, name) {
  const { values } = await register.getSingleMetric(name).get()
  return values[0].value
}

/** An event loop with nothing to do from one time to another, in milliseconds: it turns every 11. */
function idle(delays, from, to) {
  for (let now = from + 11; now <= to; now += 11) delays.look(now)
}

test('one stall of two seconds in eight is the 99th percentile', (t) => {
  const delays = new Delays(0)
  idle(delays, 0, 4000)
  delays.look(6000)
  idle(delays, 6000, 8000)
  const { p99, max } = delays.summary(8000)
  t.true(max > 1.97 && max <= 2, String(max))
  t.true(p99 > 1.9 && p99 <= max, String(p99))
})

test('one of a hundred milliseconds in a minute is not, but the maximum', (t) => {
  const delays = new Delays(0)
  idle(delays, 0, 30_000)
  delays.look(30_100)
  idle(delays, 30_100, 59_000)
  const { p99, max } = delays.summary(59_000)
  t.true(max > 0.08 && max <= 0.1, String(max))
  t.true(p99 < 0.05, String(p99))
})

test('a stall is forgotten after a minute, and not before', (t) => {
  const delays = new Delays(0)
  delays.look(2000)
  idle(delays, 2000, 61_900)
  t.true(delays.summary(61_900).max > 1.9)
  idle(delays, 61_900, 62_100)
  t.true(delays.summary(62_100).max < 0.01)
})

test('a stall of a day counts as what it was, and takes no time to count', (t) => {
  const delays = new Delays(0)
  delays.look(86_400_000)
  const { p99, max } = delays.summary(86_400_000)
  t.true(max > 86_399 && p99 > 86_300)
})

test('a share is that of the last minute', (t) => {
  const share = new Share(0)
  t.is(share.ratio(0, { used: 0, had: 0 }), 0, 'before there was any')
  t.is(share.ratio(2000, { used: 1000, had: 4000 }), 0.25, 'at first, of what there was')
  for (let now = 5000; now <= 60_000; now += 5000) share.note(now, { used: now, had: 2 * now })
  t.is(share.ratio(60_000, { used: 60_000, had: 120_000 }), 0.5)
  for (let now = 65_000; now <= 120_000; now += 5000) share.note(now, { used: 60_000, had: 2 * now })
  t.is(share.ratio(120_000, { used: 60_000, had: 240_000 }), 0, 'a minute of nothing')
})

test('a share is right after a gap of the event loop, too', (t) => {
  const share = new Share(0)
  share.note(5000, { used: 5000, had: 5000 })
  t.is(share.ratio(300_000, { used: 5000, had: 300_000 }), 0, 'since the last time that was looked')
})

test.serial('a stall of the event loop is told for as long as it was', async (t) => {
  const register = new Registry()
  t.teardown(registerMetrics(register, { pools: [openPool(t, { threads: 1 })] }))
  // So many turns that one among them is not the 99th percentile.
  await new Promise((resolve) => {
    let turns = 0
    const timer = setInterval(() => {
      if (++turns < 150) return
      clearInterval(timer)
      resolve()
    }, 10)
  })
  const began = performance.now()
  while (performance.now() - began < 300);
  const stall = (performance.now() - began) / 1e3
  const [p99, max] = [await value(register, DELAY), await value(register, DELAY_MAX)]
  t.true(max >= stall - 0.02, `${max} of ${stall}`)
  t.true(p99 > stall / 2 && p99 <= max, `${p99} of ${stall}`)
  t.true((await value(register, DELAY)) > stall / 2, 'for whoever asks next, too')
})

test.serial('whoever scrapes besides changes nothing', async (t) => {
  const register = new Registry()
  const pool = openPool(t, { threads: 2 })
  t.teardown(registerMetrics(register, { pools: [pool] }))
  const release = await hold(pool)
  await until(() => pool.stats().utilization > 0.1)
  await release()
  await until(() => pool.stats().running === 0)
  const [first, second] = [await value(register, UTILIZATION), await value(register, UTILIZATION)]
  t.true(first > 0 && first <= 1, String(first))
  // It was asked a moment later, in which the pool did nothing: of the time since, that would be 0.
  t.true(second > first / 2 && second <= first, `${second} after ${first}`)
})

test.serial('busy seconds are what tasks used, and never become less', async (t) => {
  const register = new Registry()
  const pool = openPool(t, { threads: 2 })
  t.teardown(registerMetrics(register, { pools: [pool] }))
  t.is(await value(register, BUSY), 0)
  const used = await Promise.all(Array.from({ length: 10 }, () => spin(5, { pool })))
  await until(() => pool.stats().running === 0)
  const busy = await value(register, BUSY)
  t.true(busy >= used.reduce((sum, ms) => sum + ms) / 1e3, `${busy} ${used}`)
  let last = busy
  for (let asked = 0; asked < 1000; asked++) {
    const now = await value(register, BUSY)
    t.true(now >= last)
    last = now
  }
  t.true(last - busy < busy / 10, 'nothing has run since')
})

test.serial('the processes of a cluster make up one figure', async (t) => {
  // What prom-client does with the answers of the cluster's processes: here two registries stand for them.
  const registers = [new Registry(), new Registry()]
  const pools = [1, 2].map(() => openPool(t, { threads: 1, name: 'work' }))
  pools.forEach((pool, at) => {
    t.teardown(registerMetrics(registers[at], { pools: [pool] }))
  })
  const releases = await Promise.all(pools.map(hold))
  await until(() => pools.every((pool) => pool.stats().utilization > 0.05))
  for (const release of releases) await release()
  await Promise.all(pools.map((pool) => spin(1, { pool })))
  const answers = await Promise.all(registers.map((register) => register.getMetricsAsJSON()))
  const all = AggregatorRegistry.aggregate(answers)
  const each = (name) => answers.map((answer) => answer.find((metric) => metric.name === name).values[0].value)
  const sum = ([one, other]) => one + other
  t.is(await value(all, UTILIZATION), sum(each(UTILIZATION)) / 2)
  t.is(await value(all, BUSY), sum(each(BUSY)))
  t.is(await value(all, 'heavy_load_threads'), 2)
  for (const name of [DELAY, DELAY_MAX]) t.is(await value(all, name), Math.max(...each(name)))
  const { values } = await all.getSingleMetric('heavy_load_tasks_total').get()
  const completed = values.find(
    ({ labels }) => labels.pool === 'work' && labels.kernel === 'spin' && labels.outcome === 'completed',
  )
  t.is(completed.value, 2)
})

test.serial('OpenTelemetry: the same', async (t) => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter })
  const provider = new MeterProvider({ readers: [reader] })
  t.teardown(() => provider.shutdown())
  const pool = openPool(t, { threads: 1 })
  t.teardown(instrument(provider.getMeter('test'), { pools: [pool] }))
  const used = await spin(5, { pool })
  await until(() => pool.stats().running === 0)
  const began = performance.now()
  while (performance.now() - began < 100);
  const stall = (performance.now() - began) / 1e3
  await provider.forceFlush()
  await provider.forceFlush()
  const { metrics } = exporter.getMetrics().at(-1).scopeMetrics[0]
  const last = (name) => metrics.find(({ descriptor }) => descriptor.name === name).dataPoints[0].value
  t.true(last('heavy_load.busy.time') >= used / 1e3)
  t.true(last('heavy_load.utilization') > 0)
  t.true(last('heavy_load.event_loop.delay.max') > stall / 2)
  t.true(last('heavy_load.event_loop.delay.max') >= last('heavy_load.event_loop.delay'))
})
