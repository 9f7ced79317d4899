// Many tasks at once: how long the event loop is held, and how much memory they take.
import { setTimeout as sleep } from 'node:timers/promises'
import { open } from '../lib/contestants.mjs'
import { watchGaps } from '../lib/gaps.mjs'
import { median } from '../lib/stats.mjs'

export const title = 'Bursts'

export const contestants = ['heavy-load', 'heavy-load-async', 'piscina', 'workerpool', 'poolifier']

export const rounds = 3

export const columns = [
  { figure: 'submit', title: '20,000 at once: the calls', unit: 'ms' },
  { figure: 'total', title: 'until all are done', unit: 'ms', picture: 'logarithmic' },
  {
    figure: 'hold',
    title: 'longest hold of the loop by completions',
    unit: 'ms',
    limit: 'hold',
    picture: 'logarithmic',
  },
  { figure: 'ownHold', title: 'without the garbage collector', unit: 'ms', limit: 'ownHold' },
  { figure: 'mapped', title: '200,000 by and by', unit: 'us a task', picture: 'linear' },
  { figure: 'memory', title: 'memory for that', unit: 'MiB', picture: 'linear' },
]

export const limitColumns = [
  { figure: 'hold', title: 'promises with no pool behind them, settled 128 a turn: longest hold', unit: 'ms' },
  { figure: 'ownHold', title: 'without the garbage collector', unit: 'ms' },
]

export const goals = [
  { what: 'longest hold of the loop by completions [ms]', of: ({ ours }) => ours('hold'), atMost: 5 },
  { what: 'without the garbage collector [ms]', of: ({ ours }) => ours('ownHold'), atMost: 5 },
]

const AT_ONCE = 20_000
/** V8 makes its heap larger during the first of them, and collects it in some: the longest hold of all counts. */
const BURSTS = 8
const IN_FLIGHT = 1000
/** For the collector and the loop to come to rest. */
const REST_MS = 200

export async function measure({ contestant, threads, quick }) {
  const pool = await open(contestant, { threads, flood: true, own: true })
  const figures = await bursts(pool.empty, quick ? 2 : BURSTS)
  const { us, memory, sum } = await byAndBy(pool, quick ? 50_000 : 200_000)
  return { figures: { ...figures, mapped: us, memory }, answers: sum }
}

export async function limits({ quick }) {
  const waiting = []
  const settle = () => {
    for (const resolve of waiting.splice(0, 128)) resolve()
    if (waiting.length > 0) setImmediate(settle)
  }
  const empty = () =>
    new Promise((resolve) => {
      if (waiting.push(resolve) === 1) setImmediate(settle)
    })
  return { figures: await bursts(empty, quick ? 2 : BURSTS) }
}

async function bursts(empty, count) {
  const all = []
  for (let number = 0; number < count; number++) {
    all.push(await burst(empty))
    await sleep(REST_MS)
  }
  return {
    submit: median(all.map(({ submit }) => submit)),
    total: median(all.map(({ total }) => total)),
    hold: Math.max(...all.map(({ longest }) => longest)),
    ownHold: Math.max(...all.map(({ withoutCollector }) => withoutCollector)),
  }
}

async function burst(empty) {
  let left = AT_ONCE
  let finished
  const settled = () => {
    if (--left === 0) finished()
  }
  const start = performance.now()
  for (let i = 0; i < AT_ONCE; i++) empty().then(settled)
  const submit = performance.now() - start
  const stop = watchGaps()
  await new Promise((resolve) => {
    finished = resolve
  })
  const total = performance.now() - start
  return { submit, total, ...(await stop()) }
}

/** Through `map` where there is one, else with a limited number in flight. */
async function byAndBy(pool, count) {
  const before = process.memoryUsage.rss()
  const start = performance.now()
  let sum = 0
  let most = before
  let seen = 0
  const take = (value) => {
    sum += value
    if (++seen % 1000 === 0) most = Math.max(most, process.memoryUsage.rss())
  }
  if (pool.map) {
    for await (const { value } of pool.map(inputs(count))) take(value)
  } else {
    const waiting = inputs(count)
    const lane = async () => {
      for (const n of waiting) take(await pool.count(n))
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  }
  return { us: ((performance.now() - start) * 1e3) / count, memory: (most - before) / 2 ** 20, sum }
}

function* inputs(count) {
  for (let i = 0; i < count; i++) yield i % 100
}
