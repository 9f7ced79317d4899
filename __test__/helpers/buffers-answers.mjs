// What kernels over buffers are given, and what they must answer: made by other means, or from a copy that nobody touches.
import { createHash } from 'node:crypto'
import { hashSync } from 'heavy-load'
import { VIEWS } from './buffers-memory.mjs'

const TYPE = 'ERR_INVALID_ARG_TYPE'
const VALUE = 'ERR_INVALID_ARG_VALUE'

function xorshift32(x, rounds) {
  for (let round = 0; round < rounds; round++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
  }
  return x
}

/**
 * By kernel: the classes of its input, its own options, its answer, and the error by which it refuses a hand-over.
 * @type {Record<string, {
 *   classes: any[], options: (pick: (choices: any[]) => any) => object,
 *   answer: (view: any, options: any) => any, refusals: Record<string, string>
 * }>}
 */
export const ANSWERS = {
  hash: {
    classes: [Uint8Array, Float64Array],
    options: (pick) => ({ algorithm: pick(['blake3', 'blake3', 'sha256', 'sha512']), encoding: 'hex' }),
    answer(view, { algorithm, encoding }) {
      if (algorithm === 'blake3') return hashSync(view, { encoding })
      return createHash(algorithm).update(view).digest('hex')
    },
    refusals: {},
  },
  sort: {
    classes: VIEWS,
    options: () => ({}),
    answer: (view) => view.slice().sort(),
    refusals: { frozen: TYPE },
  },
  heavyLoadShared: {
    classes: [Uint32Array],
    options: (pick) => ({ rounds: pick([0, 1, 2, 7]) }),
    answer: (view, { rounds }) => view.map((element) => xorshift32(element, rounds)),
    refusals: { copy: VALUE, frozen: TYPE },
  },
}
