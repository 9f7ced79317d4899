// heavy-load/data beside JavaScript: topK beside a plain loop over a Float32Array.
//
//   npm run setup -- --packs && node benchmark/kernels/data.mjs
import assert from 'node:assert/strict'
import { race } from './race.mjs'

process.env.HEAVY_LOAD_THREADS = '2'
const { freeze, Pool } = await import('heavy-load')
const { topK } = await import('heavy-load/data')

const [rows, dimensions, k] = [100_000, 768, 10]
const pool = new Pool({ threads: 2, niceness: 0 })
const random = generator(1)
const vectors = Float32Array.from({ length: rows * dimensions }, random)
const query = Float32Array.from({ length: dimensions }, random)
const frozen = freeze(new Float32Array(vectors))

/** As one writes it: the best are kept in order. */
function plain(score) {
  const best = []
  for (let row = 0; row < rows; row++) {
    const value = score(row * dimensions)
    if (best.length === k && value <= best[k - 1].score) continue
    let at = best.length
    while (at > 0 && best[at - 1].score < value) at--
    best.splice(at, 0, { index: row, score: value })
    best.length = Math.min(best.length, k)
  }
  return { index: best.map(({ index }) => index) }
}

function dot(from) {
  let sum = 0
  for (let at = 0; at < dimensions; at++) sum += query[at] * vectors[from + at]
  return sum
}

const length = Math.hypot(...query)
function cosine(from) {
  let [sum, squares] = [0, 0]
  for (let at = 0; at < dimensions; at++) {
    const value = vectors[from + at]
    sum += query[at] * value
    squares += value * value
  }
  return sum / (length * Math.sqrt(squares))
}

for (const [metric, score] of Object.entries({ dot, cosine })) {
  const expected = plain(score).index
  await race(
    `${k} of ${rows} x ${dimensions}, ${metric}`,
    {
      'heavy-load, 2 threads': () => topK(frozen, { query, dimensions, k, metric, pool }),
      'heavy-load, 1 thread': () => topK(frozen, { query, dimensions, k, metric, pool, maxThreads: 1 }),
      'a plain loop': async () => plain(score),
    },
    { check: ({ index }) => assert.deepEqual([...index], expected) },
  )
}
await pool.close()

/** Numbers from -1 to 1, the same each time. */
function generator(seed) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return state / 2 ** 31
  }
}
