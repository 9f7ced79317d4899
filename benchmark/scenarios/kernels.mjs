// Each kernel beside the packages people use for that job, and beside what Node has built in.
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import zlib from 'node:zlib'
import { freeze, hash, sort } from '../../index.js'
import { median } from '../lib/stats.mjs'

const require = createRequire(import.meta.url)

export const title = 'Kernels: one large input'

export const contestants = ['heavy-load', 'node', 'native packages', 'hash-wasm']

export const rounds = 3

const HASHES = ['blake3', 'sha256', 'sha512', 'xxh3', 'crc32']
const BYTES = 2 ** 26
const NUMBERS = 2 ** 22
const REPEATS = 3

export const columns = [
  ...HASHES.map((name) => ({ figure: name, title: name, unit: 'GiB/s', better: 'more' })),
  { figure: 'sort', title: 'sort of float64', unit: 'million a second', better: 'more' },
]

export const goals = columns.map(({ figure, title }) => ({
  what: `${title} / the best other's`,
  of: ({ ours, bestPeer }) => ours(figure) / bestPeer(figure, Math.max),
  // Two runs of the same code differ by that.
  atLeast: 0.95,
}))

/** What each can do: (input) => hexadecimal digits, or the sorted array. */
const KERNELS = {
  'heavy-load': () => ({
    ...Object.fromEntries(
      HASHES.map((algorithm) => [algorithm, (bytes) => hash(freeze(bytes), { algorithm, encoding: 'hex' })]),
    ),
    sort: (numbers) => sort(numbers, { transfer: true }),
  }),
  node: () => ({
    sha256: (bytes) => createHash('sha256').update(bytes).digest('hex'),
    sha512: (bytes) => createHash('sha512').update(bytes).digest('hex'),
    // Not in every version.
    ...(zlib.crc32 && { crc32: (bytes) => digits(zlib.crc32(bytes), 8) }),
    sort: (numbers) => numbers.sort(),
  }),
  'native packages': () => {
    const { blake3 } = require('@napi-rs/blake-hash')
    const { crc32 } = require('@node-rs/crc32')
    const { xxh3 } = require('@node-rs/xxhash')
    return {
      blake3: (bytes) => blake3(bytes).toString('hex'),
      xxh3: (bytes) => digits(xxh3.xxh64(bytes), 16),
      crc32: (bytes) => digits(crc32(bytes), 8),
    }
  },
  'hash-wasm': () => {
    const { blake3, crc32, sha256, sha512, xxhash3 } = require('hash-wasm')
    return { blake3, crc32, sha256, sha512, xxh3: xxhash3 }
  },
}

export async function measure({ contestant }) {
  const kernels = KERNELS[contestant]()
  const reference = KERNELS['hash-wasm']()
  const figures = {}
  for (const name of HASHES) {
    if (kernels[name] === undefined) continue
    const [answer, expected] = [await kernels[name](bytes()), await reference[name](bytes())]
    if (answer !== expected) throw new Error(`${contestant}: ${name} gives ${answer}, not ${expected}`)
    figures[name] = BYTES / 2 ** 30 / (await seconds(kernels[name], bytes))
  }
  if (kernels.sort !== undefined) {
    const sorted = await kernels.sort(numbers())
    for (let i = 1; i < sorted.length; i++)
      if (!(sorted[i - 1] <= sorted[i])) throw new Error(`${contestant}: not sorted`)
    figures.sort = NUMBERS / 1e6 / (await seconds(kernels.sort, numbers))
  }
  return { figures }
}

/** The median of some runs, each on an input of its own, since ours takes it away. */
async function seconds(kernel, make) {
  const times = []
  for (let i = 0; i < REPEATS; i++) {
    const input = make()
    const start = performance.now()
    await kernel(input)
    times.push((performance.now() - start) / 1e3)
  }
  return median(times)
}

/** Not all the same, and the same for all. */
function bytes() {
  const words = new Uint32Array(BYTES / 4)
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i, 2654435761)
  return Buffer.from(words.buffer)
}

function numbers() {
  let state = 1
  return Float64Array.from({ length: NUMBERS }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  })
}

function digits(number, length) {
  return number.toString(16).padStart(length, '0')
}
