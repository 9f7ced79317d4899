// What a pool costs before it has done anything: time to load, time to the first result, memory for each idle thread.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { open } from '../lib/contestants.mjs'
import { median } from '../lib/stats.mjs'
import { workerFile } from '../lib/workers.mjs'

export const title = 'Start and memory'

export const contestants = ['heavy-load', 'piscina', 'tinypool', 'workerpool', 'poolifier']

export const rounds = 3

export const columns = [
  { figure: 'load', title: 'to load the package', unit: 'ms', picture: 'logarithmic' },
  { figure: 'first', title: 'process start to first result', unit: 'ms', limit: 'first', picture: 'linear' },
  { figure: 'ratio', title: 'against a bare process', unit: 'times' },
  { figure: 'memory', title: 'memory for an idle thread', unit: 'KiB', picture: 'logarithmic' },
]

export const limitColumns = [{ figure: 'first', title: 'a bare Node process', unit: 'ms' }]

export const goals = [
  { what: 'to load the package [ms]', of: ({ ours }) => ours('load'), atMost: 5 },
  { what: 'first result / a bare process', of: ({ ours }) => ours('ratio'), atMost: 1.1 },
  { what: 'memory for an idle thread [KiB]', of: ({ ours }) => ours('memory'), atMost: 128 },
]

/** Programs as short as they can be. */
const PROGRAMS = {
  bare: 'bare.cjs',
  'heavy-load': 'heavy-load.cjs',
  piscina: 'piscina.cjs',
  tinypool: 'tinypool.mjs',
  workerpool: 'workerpool.cjs',
  poolifier: 'poolifier.cjs',
}
const REST_MS = 500

export async function measure({ contestant, threads, quick }) {
  const starts = []
  const bareStarts = []
  // In turn, because the speed of a machine drifts.
  for (let i = 0; i < repeats(quick); i++) {
    bareStarts.push(await start('bare', threads))
    starts.push(await start(contestant, threads))
  }
  const load = median(starts.map(({ load }) => load))
  const first = median(starts.map(({ first }) => first))
  const bare = median(bareStarts.map(({ first }) => first))
  return { figures: { load, first, ratio: first / bare, memory: await memory(contestant) } }
}

export async function limits({ threads, quick }) {
  const firsts = []
  for (let i = 0; i < repeats(quick); i++) firsts.push((await start('bare', threads)).first)
  return { figures: { first: median(firsts) } }
}

function repeats(quick) {
  return quick ? 5 : 11
}

/** Starts a program: milliseconds to the first that it prints, and what it prints, how long loading its package took. */
async function start(program, threads) {
  const file = workerFile(`start/${PROGRAMS[program]}`)
  const started = performance.now()
  const child = spawn(process.execPath, [file, String(threads)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  const [output] = await once(child.stdout, 'data')
  const first = performance.now() - started
  const [code] = await closed
  if (code !== 0) throw new Error(`${file} ended with ${code}`)
  return { first, load: Number(output) }
}

/** KiB of resident memory for one more thread that has worked and is idle again. */
async function memory(contestant) {
  // Enough threads to stand out from the noise: those of Node's workers are a hundred times the size.
  const more = contestant === 'heavy-load' ? 64 : 8
  await used(contestant, 1)
  const before = await used(contestant, 1)
  const after = await used(contestant, more)
  return (after - before) / more / 1024
}

/** Resident memory once another pool of `threads` threads is there and idle. */
async function used(contestant, threads) {
  const pool = await open(contestant, { threads, own: true })
  await Promise.all(Array.from({ length: threads * 2 }, () => pool.spin(10)))
  await sleep(REST_MS)
  return process.memoryUsage.rss()
}
