// What a call costs the caller's thread does not grow with the memory that is taken, frozen or shared. Told from ratios
// within one run: times themselves say nothing on a machine that has other things to do.
import test from 'ava'
import { freeze, hash, hashAsync, heavyLoadShared, sort } from 'heavy-load'
import { hold, openPool } from '../../helpers/pool.mjs'
import { turn } from '../../helpers/turns.mjs'

const MiB = 2 ** 20
const SMALL = MiB
const LARGE = 256 * MiB
/** Work that grew with size would cost 256 times as much; this is far from that, and from none. */
const MOST_GROWTH = 64
/** A copy costs thousands of times as much. */
const LEAST_GAIN = 100
const ROUNDS = 9
const MOST_ATTEMPTS = 5

const transfer = true
const ArrayOf = (View) => (bytes) => new View(bytes / View.BYTES_PER_ELEMENT)
const SharedOf = (View) => (bytes) => new View(new SharedArrayBuffer(bytes))

/** What is made before the call, and the call. */
const CALLS = {
  'hash by transfer': [ArrayOf(Uint8Array), (view, options) => hash(view, { ...options, transfer })],
  'hashAsync by transfer': [ArrayOf(Uint8Array), (view, { signal }) => hashAsync(view, { signal, transfer })],
  'sort by transfer': [ArrayOf(Float64Array), (view, options) => sort(view, { ...options, transfer })],
  'heavyLoadShared by transfer': [
    ArrayOf(Uint32Array),
    (view, options) => heavyLoadShared(view, { ...options, transfer }),
  ],
  'hash of what is frozen for it': [ArrayOf(Uint8Array), (view, options) => hash(freeze(view), options)],
  'hash of what was frozen before': [(bytes) => freeze(new Uint8Array(bytes)), hash],
  'hash of shared memory': [SharedOf(Uint8Array), hash],
  'sort of shared memory': [SharedOf(Float64Array), sort],
  'heavyLoadShared of shared memory': [SharedOf(Uint32Array), heavyLoadShared],
}
const COPY = [ArrayOf(Uint8Array), hash]

/** Milliseconds of the synchronous part of a call. The task itself is aborted. */
async function costOf([make, call], bytes, pool) {
  const input = make(bytes)
  const controller = new AbortController()
  const options = { pool, signal: controller.signal }
  await turn()
  const start = performance.now()
  const task = call(input, options)
  const cost = performance.now() - start
  controller.abort()
  await task.catch(() => {})
  return cost
}

/** The least of several: other threads and processes can only add to a cost. */
async function leastOf(rounds, cost) {
  let least = Infinity
  for (let round = 0; round < rounds; round++) least = Math.min(least, await cost())
  return least
}

for (const [what, call] of Object.entries(CALLS)) {
  test.serial(what, async (t) => {
    const pool = openPool(t, { threads: 1 })
    // The threads have something else to do: the caller's is timed, and is not to share a core with them.
    const release = await hold(pool)
    let figures
    // A ratio that is wrong by itself stays wrong.
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const small = await leastOf(ROUNDS, () => costOf(call, SMALL, pool))
      const large = await leastOf(ROUNDS, () => costOf(call, LARGE, pool))
      const copy = await leastOf(1, () => costOf(COPY, LARGE, pool))
      figures = { growth: large / small, gain: copy / large }
      if (figures.growth < MOST_GROWTH && figures.gain > LEAST_GAIN) break
    }
    await release()
    t.log(figures)
    t.true(figures.growth < MOST_GROWTH, `${LARGE / SMALL} times the size costs ${figures.growth} times as much`)
    t.true(figures.gain > LEAST_GAIN, `a copy costs only ${figures.gain} times as much`)
  })
}
