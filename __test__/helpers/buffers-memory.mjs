// Memory of every kind, and what a hostile caller does with it.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { randomFrom } from './random.mjs'

setFlagsFromString('--expose-gc')
export const collectGarbage = runInNewContext('gc')

export const VIEWS = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
]

/** A view's bytes, in place. */
export function bytesOf({ buffer, byteOffset, byteLength }) {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** All bytes that a view stands on, and those around it, as a copy. */
export function snapshot({ buffer }) {
  return Uint8Array.from(new Uint8Array(buffer))
}

/** Small Buffers that share their memory: Node carves them from a slab, and begins a new one when that is used up. */
export function onOneSlab(...texts) {
  for (;;) {
    const buffers = texts.map((text) => Buffer.from(text))
    if (buffers.every(({ buffer }) => buffer === buffers[0].buffer)) return buffers
  }
}

/** Whether two views hold the same bytes. Of many, this tells it far sooner than a deep comparison. */
export function same(one, other) {
  return Buffer.compare(bytesOf(one), bytesOf(other)) === 0
}

/** Where the numbers of two arrays differ first; -0 is not 0, and a NaN is like any other. */
export function differ(result, expected) {
  if (result.length !== expected.length) return `${result.length} elements for ${expected.length}`
  for (let index = 0; index < expected.length; index++) {
    if (!Object.is(result[index], expected[index])) return `at ${index}: ${result[index]} for ${expected[index]}`
  }
  return 'nowhere'
}

/** Detaches what a view stands on, as any caller can; gives its memory, with a new owner. */
export function detach({ buffer }) {
  return structuredClone(buffer, { transfer: [buffer] })
}

const words = randomFrom(0)
const NOISE = new Uint8Array(Uint32Array.from({ length: 2 ** 16 }, () => words() * 2 ** 32).buffer)

/** Fills a view's bytes with noise, in pieces of what was made once; gives the view. */
export function fillWithNoise(view, random) {
  const bytes = bytesOf(view)
  for (let at = 0; at < bytes.length; ) {
    const piece = NOISE.subarray(Math.floor(random() * (NOISE.length / 2)))
    bytes.set(piece.subarray(0, bytes.length - at), at)
    at += piece.length
  }
  return view
}
