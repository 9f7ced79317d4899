// Giving bytes to a thread: how long the call holds the JavaScript thread, by the way they are handed over and by their size.
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
  transfer: (bytes) => () => new Uint8Array(new ArrayBuffer(bytes)),
  shared: (bytes) => same(new SharedArrayBuffer(bytes)),
  frozen: (bytes) => () => new Uint8Array(new ArrayBuffer(bytes)),
}

/** What cannot be left out of a hand-over. To share needs nothing. */
const LIMITS = { copy: 'memcpy', transfer: 'detach', frozen: 'detach' }

export const columns = Object.keys(HAND_OVERS).flatMap((name) =>
  SIZES.map(({ bytes, name: size }) => ({
    figure: figureOf(name, bytes),
    title: `${name}, ${size}`,
    unit: 'ms',
    ...(LIMITS[name] && { limit: figureOf(LIMITS[name], bytes) }),
    ...(bytes === LARGE && { picture: 'logarithmic' }),
  })),
)

export const limitColumns = [
  ...SIZES.map(({ bytes, name }) => ({ figure: figureOf('memcpy', bytes), title: `memcpy, ${name}`, unit: 'ms' })),
  { figure: 'rate', title: 'memcpy, 256 MiB', unit: 'GiB/s' },
  ...SIZES.map(({ bytes, name }) => ({ figure: figureOf('detach', bytes), title: `detaching, ${name}`, unit: 'ms' })),
]

/** Before ArrayBuffer.prototype.transfer, memory is detached by structuredClone. */
const HAS_TRANSFER = 'transfer' in ArrayBuffer.prototype
const DETACH_MS = HAS_TRANSFER ? 0.2 : 2
const GOALS = { transfer: DETACH_MS, shared: 0.2, frozen: DETACH_MS }

export const goals = Object.entries(GOALS).flatMap(([name, atMost]) => [
  { what: `${name}, 256 MiB [ms]`, of: ({ ours }) => ours(figureOf(name, LARGE)), atMost },
  {
    what: `${name}, 256 MiB / the best peer's`,
    of: ({ ours, bestPeer }) => ours(figureOf(name, LARGE)) / bestPeer(figureOf(name, LARGE)),
    atMost: 1,
  },
])

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
      const times = []
      for (let call = 0; call < calls; call++) {
        const input = make()
        const start = performance.now()
        const task = handOver(input)
        times.push(performance.now() - start)
        const answer = await task
        // Peers have no frozen buffers.
        if (name !== 'frozen') answers.push(answer)
      }
      figures[figureOf(name, bytes)] = median(times)
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
    const times = []
    for (let call = 0; call < calls; call++) {
      const memory = new ArrayBuffer(bytes)
      const start = performance.now()
      if (HAS_TRANSFER) memory.transfer()
      else structuredClone(memory, { transfer: [memory] })
      times.push(performance.now() - start)
    }
    figures[figureOf('detach', bytes)] = median(times)
  }
  return { figures }
}

/** Memory that has been written to: pages that were not are no memory yet. */
function same(buffer) {
  const view = new Uint8Array(buffer).fill(1)
  return () => view
}

function figureOf(name, bytes) {
  return `${name}${bytes}`
}
