// topK beside a plain loop, in every form and hand-over; ties, NaN, bounds.
import test from 'ava'
import { freeze, Pool } from 'heavy-load'
import { topK, topKAsync, topKSync } from 'heavy-load/data'
import { errorOf } from '../../../__test__/helpers/errors.mjs'

const dimensions = 37
const rows = 5000
const random = generator(7)
const vectors = Float32Array.from({ length: rows * dimensions }, random)
const query = Float32Array.from({ length: dimensions }, random)

const SCORES = {
  dot: (row) => row.reduce((sum, value, at) => sum + value * query[at], 0),
  cosine: (row) => SCORES.dot(row) / (Math.hypot(...row) * Math.hypot(...query)),
  euclidean: (row) => Math.hypot(...row.map((value, at) => value - query[at])),
}

for (const [metric, score] of Object.entries(SCORES)) {
  test(`${metric}: the rows that a plain loop finds`, async (t) => {
    const all = Array.from({ length: rows }, (_, index) => {
      return { index, score: score(Array.from(vectors.subarray(index * dimensions, (index + 1) * dimensions))) }
    })
    const order = metric === 'euclidean' ? 1 : -1
    const expected = all.sort((one, other) => order * (one.score - other.score)).slice(0, 20)
    const frozen = freeze(new Float32Array(vectors))
    const shared = new Float32Array(new SharedArrayBuffer(vectors.byteLength))
    shared.set(vectors)
    const options = { query, dimensions, k: 20, metric }
    for (const found of [
      await topK(vectors, options),
      topKSync(vectors, options),
      await topKAsync(vectors, options),
      await topK(frozen, options),
      await topK(shared, options),
      await topK(new Float32Array(vectors), { ...options, transfer: true }),
      await topK(vectors, { ...options, maxThreads: 1 }),
    ]) {
      t.true(found.index instanceof Uint32Array && found.score instanceof Float32Array)
      t.deepEqual(
        [...found.index],
        expected.map(({ index }) => index),
      )
      for (const [at, { score }] of expected.entries()) t.true(Math.abs(found.score[at] - score) < 1e-4)
    }
  })
}

test('the default is the cosine', async (t) => {
  const [given, cosine] = await Promise.all(
    [{}, { metric: 'cosine' }].map((metric) => topK(vectors, { query, dimensions, k: 3, ...metric })),
  )
  t.deepEqual(given, cosine)
})

test('equal scores are in the order of the rows, NaN last, and there are no more rows than there are', async (t) => {
  const few = new Float32Array([0, 0, 1, 0, Number.NaN, 1, 1, 0, 2, 0, 0, 1])
  const best = await topK(few, { query: new Float32Array([1, 0]), dimensions: 2, k: 100 })
  t.deepEqual([...best.index], [1, 3, 4, 5, 0, 2], 'a row of zeros has no direction')
  t.deepEqual([...best.score], [1, 1, 1, 0, Number.NaN, Number.NaN])
  const none = await topK(new Float32Array(), { query: new Float32Array([1]), dimensions: 1, k: 1 })
  t.deepEqual([none.index.length, none.score.length], [0, 0])
})

test('the result does not depend on threads', async (t) => {
  const many = Float32Array.from({ length: 40_000 * 16 }, random)
  const results = []
  for (const threads of [1, 2, 3, 8]) {
    const pool = new Pool({ threads, niceness: 0 })
    results.push(await topK(many, { query: many.subarray(0, 16), dimensions: 16, k: 1000, pool }))
    await pool.close()
  }
  for (const result of results) t.deepEqual(result, results[0])
})

test('what is wrong is said', async (t) => {
  const good = { query, dimensions, k: 1 }
  for (const [input, options, code] of [
    [new Float64Array(dimensions), good, 'ERR_INVALID_ARG_TYPE'],
    ['text', good, 'ERR_INVALID_ARG_TYPE'],
    [new Float32Array(dimensions + 1), good, 'ERR_INVALID_ARG_VALUE'],
    [vectors, { ...good, query: query.subarray(1) }, 'ERR_INVALID_ARG_VALUE'],
    [vectors, { ...good, query: [...query] }, 'ERR_INVALID_ARG_TYPE'],
    [vectors, { ...good, query: undefined }, 'ERR_INVALID_ARG_TYPE'],
    [vectors, { ...good, dimensions: 0 }, 'ERR_OUT_OF_RANGE'],
    [vectors, { ...good, k: 0 }, 'ERR_OUT_OF_RANGE'],
    [vectors, { ...good, k: undefined }, 'ERR_INVALID_ARG_TYPE'],
    [vectors, { ...good, metric: 'manhattan' }, 'ERR_INVALID_ARG_VALUE'],
  ]) {
    t.is((await errorOf(topK(input, options))).code, code)
  }
})

function generator(seed) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return state / 2 ** 31
  }
}
