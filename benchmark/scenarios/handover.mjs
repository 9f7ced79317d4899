// Giving bytes to a thread: how long the call holds the JavaScript thread, by the way they are handed over and by their size.
import { collect, watchCollector } from '../lib/collector.mjs'
import { open } from '../lib/contestants.mjs'
import { limit } from '../lib/limits.mjs'
import { median } from '../lib/stats.mjs'

export const title = 'Bytes handed over to a thread: the call itself'

export const contestants = ['heavy-load', 'piscina', 'workerpool']

export const rounds = 3

const SMALL = 2 ** 16
const LARGE = 2 ** 28
const SIZES = [
  { bytes: SMALL, name: '64 KiB', calls: 200 },
  { bytes: 2 ** 22, name: '4 MiB', calls: 60 },
  { bytes: LARGE, name: '256 MiB', calls: 5 },
]
/** Where a call takes the memory away, each has its own. Else all have the same; it is as large as the view, since peers copy all of it. */
const HAND_OVERS = {
  copy: (bytes) => same(new ArrayBuffer(bytes)),
  transfer: (bytes) => () => written(new ArrayBuffer(bytes)),
  shared: (bytes) => same(new SharedArrayBuffer(bytes)),
  frozen: (bytes) => () => written(new ArrayBuffer(bytes)),
}

/** What cannot be left out of a hand-over. To share needs nothing. */
const LIMITS = { copy: 'memcpy', transfer: 'detach', frozen: 'detach' }

/**
 * The next ArrayBuffer after one of 256 MiB has V8 collect garbage, and this falls into the call if that makes one, as every way does
 * that takes memory away and stays on the thread. So both are shown: all of the call, and what is left without the collector.
 */
const COLLECTED = { transfer: LARGE, frozen: LARGE }

export const columns = Object.keys(HAND_OVERS).flatMap((name) =>
  SIZES.flatMap(({ bytes, name: size }) => [
    {
      figure: figureOf(name, bytes),
      title: `${name}, ${size}`,
      unit: 'ms',
      ...(LIMITS[name] && { limit: figureOf(LIMITS[name], bytes) }),
      ...(bytes === LARGE && { picture: 'logarithmic' }),
    },
    ...(COLLECTED[name] === bytes
      ? [
          {
            figure: ownFigureOf(name, bytes),
            title: 'without the collector',
            unit: 'ms',
            limit: ownFigureOf('detach', bytes),
          },
        ]
      : []),
  ]),
)

export const limitColumns = [
  ...SIZES.map(({ bytes, name }) => ({ figure: figureOf('memcpy', bytes), title: `memcpy, ${name}`, unit: 'ms' })),
  { figure: 'rate', title: 'memcpy, 256 MiB', unit: 'GiB/s' },
  ...SIZES.map(({ bytes, name }) => ({ figure: figureOf('detach', bytes), title: `detaching, ${name}`, unit: 'ms' })),
  { figure: ownFigureOf('detach', LARGE), title: 'without the collector', unit: 'ms' },
]

/** Before ArrayBuffer.prototype.transfer, memory is detached by structuredClone. */
const HAS_TRANSFER = 'transfer' in ArrayBuffer.prototype
const DETACH_MS = HAS_TRANSFER ? 0.2 : 2
const GOALS = { transfer: DETACH_MS, shared: 0.2, frozen: DETACH_MS }

export const goals = Object.entries(GOALS).flatMap(([name, atMost]) => {
  const figures = [{ figure: figureOf(name, LARGE), which: '' }]
  if (name in COLLECTED) figures.push({ figure: ownFigureOf(name, LARGE), which: ' without the collector' })
  return figures.flatMap(({ figure, which }) => [
    { what: `${name}, 256 MiB${which} [ms]`, of: ({ ours }) => ours(figure), atMost },
    {
      what: `${name}, 256 MiB${which} / the best peer's`,
      of: ({ ours, bestPeer }) => ours(figure) / bestPeer(figure),
      atMost: 1,
    },
  ])
})

export async function measure({ contestant, threads }) {
  const pool = await open(contestant, { threads })
  const figures = {}
  const answers = []
  for (const [name, memory] of Object.entries(HAND_OVERS)) {
    const handOver = pool.handOvers[name]
    if (handOver === undefined) continue
    for (const { bytes, calls } of SIZES) {
      const make = memory(bytes)
      await handOver(make())
      const call = async () => {
        const input = make()
        const start = performance.now()
        const task = handOver(input)
        const end = performance.now()
        const answer = await task
        // Peers have no frozen buffers.
        if (name !== 'frozen') answers.push(answer)
        return { start, end }
      }
      Object.assign(figures, await timed(name, bytes, calls, call))
    }
  }
  await pool.close()
  return { figures, answers }
}

export async function limits() {
  const figures = {}
  for (const { bytes, calls } of SIZES) {
    const rate = limit('memcpy', bytes)
    figures[figureOf('memcpy', bytes)] = (1e3 * bytes) / 2 ** 30 / rate
    if (bytes === LARGE) figures.rate = rate
    const detach = () => {
      const memory = written(new ArrayBuffer(bytes)).buffer
      const start = performance.now()
      if (HAS_TRANSFER) memory.transfer()
      else structuredClone(memory, { transfer: [memory] })
      return { start, end: performance.now() }
    }
    Object.assign(figures, await timed('detach', bytes, calls, detach))
  }
  return { figures }
}

/**
 * The median of so many calls, which say when they began and ended; and what is left of it without the collector. What a call leaves is
 * collected before the next: giving 256 MiB back to the system keeps a core busy for milliseconds, in whichever call that happens.
 */
async function timed(name, bytes, calls, call) {
  const spans = []
  const stop = watchCollector()
  for (let number = 0; number < calls; number++) {
    if (bytes === LARGE) collect()
    spans.push(await call())
  }
  const collected = await stop()
  return {
    [figureOf(name, bytes)]: median(spans.map(({ start, end }) => end - start)),
    [ownFigureOf(name, bytes)]: median(spans.map((span) => span.end - span.start - collected(span))),
  }
}

/** Memory as callers have it: pages that nobody has written to are no memory yet. */
function written(buffer) {
  return new Uint8Array(buffer).fill(1)
}

function same(buffer) {
  const view = written(buffer)
  return () => view
}

function figureOf(name, bytes) {
  return `${name}${bytes}`
}

function ownFigureOf(name, bytes) {
  return `${name}Own${bytes}`
}
