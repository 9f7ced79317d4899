// Loads are the same for everybody, ask for exactly their share, and the order that they are compared with is what it says.
import test from 'ava'
import { paretoSizes, play, poisson, seeded } from '../lib/arrivals.mjs'
import { shortestRemainingFirst } from '../lib/simulation.mjs'
import { mean, percentile } from '../lib/stats.mjs'

const OPTIONS = { share: 0.8, threads: 2, seed: 1 }
const SIZES = paretoSizes(500, { alpha: 1.1, least: 1, most: 1000 })

test('the same seed gives the same load, another one another', (t) => {
  t.deepEqual(poisson(SIZES, OPTIONS), poisson(SIZES, OPTIONS))
  t.notDeepEqual(poisson(SIZES, OPTIONS), poisson(SIZES, { ...OPTIONS, seed: 2 }))
  t.deepEqual(SIZES, paretoSizes(500, { alpha: 1.1, least: 1, most: 1000 }), 'the sizes given are not touched')
})

test('random numbers are spread evenly between 0 and 1', (t) => {
  const random = seeded(1)
  const numbers = Array.from({ length: 10_000 }, random)
  t.true(numbers.every((number) => number >= 0 && number < 1))
  for (const tenth of [1, 3, 5, 7, 9]) t.true(Math.abs(percentile(numbers, 10 * tenth) - tenth / 10) < 0.02)
})

test('a load has all sizes, in the order of arrival, within the time that makes its share', (t) => {
  const load = poisson(SIZES, OPTIONS)
  const span = SIZES.reduce((sum, ms) => sum + ms, 0) / (0.8 * 2)
  t.deepEqual(
    load.map(({ ms }) => ms).sort((a, b) => a - b),
    SIZES,
  )
  t.deepEqual(
    load.map(({ at }) => at),
    load.map(({ at }) => at).sort((a, b) => a - b),
  )
  t.true(load.every(({ at }) => at >= 0 && at < span))
  t.true(Math.abs(mean(load.map(({ at }) => at)) / span - 0.5) < 0.05)
})

test('Pareto sizes stay within their bounds, and have the quantiles of the distribution', (t) => {
  t.true(SIZES.every((ms) => ms >= 1 && ms <= 1000))
  // 1 - (1 - 2 ** -1.1) / (1 - 1000 ** -1.1) of them are larger than 2.
  const larger = SIZES.filter((ms) => ms > 2).length / SIZES.length
  t.true(Math.abs(larger - (1 - (1 - 2 ** -1.1) / (1 - 1000 ** -1.1))) < 0.01)
})

test('equal tasks are done in the order in which they came', (t) => {
  const load = Array.from({ length: 5 }, () => ({ at: 0, ms: 10 }))
  t.deepEqual(shortestRemainingFirst(load, 2), [10, 10, 20, 20, 30])
})

test('what is shorter than the rest of a task passes it, what is longer does not', (t) => {
  const load = [
    { at: 0, ms: 10 },
    { at: 1, ms: 8 },
    { at: 2, ms: 9 },
    { at: 50, ms: 1 },
  ]
  // Of the first one 9 ms are left when the second one comes, and 8 when the third one does.
  t.deepEqual(shortestRemainingFirst(load, 1), [18, 8, 25, 1])
})

test('threads never idle while a task waits', (t) => {
  const load = poisson(SIZES, { ...OPTIONS, share: 5 })
  const ends = shortestRemainingFirst(load, 2).map((time, number) => load[number].at + time)
  const work = SIZES.reduce((sum, ms) => sum + ms, 0)
  t.true(Math.max(...ends) >= work / 2)
  t.true(Math.max(...ends) <= work / 2 + load[0].at + Math.max(...SIZES))
})

test('tasks start in order, none before its time, and each has the time to its answer', async (t) => {
  const load = [0, 5, 5, 20].map((at, number) => ({ at, ms: number }))
  const started = []
  const begun = performance.now()
  const times = await play(load, async (ms) => {
    started.push(ms)
    await new Promise(setImmediate)
    if (ms === 3) t.true(performance.now() - begun >= 20)
  })
  t.deepEqual(started, [0, 1, 2, 3])
  t.is(times.length, 4)
  t.true(times.every((time) => time > 0))
})
