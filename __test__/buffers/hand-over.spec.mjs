// How buffers are handed over: what is copied, what is taken, and what stays with the caller.
import test from 'ava'
import { freeze, hash, hashSync, heavyLoadShared, sort } from 'heavy-load'
import { detach, fillWithNoise, onOneSlab, same, snapshot } from '../helpers/buffers-memory.mjs'
import { codeOf } from '../helpers/errors.mjs'
import { formsOf, promiseFormsOf } from '../helpers/forms.mjs'
import { hold, openPool } from '../helpers/pool.mjs'
import { randomFrom } from '../helpers/random.mjs'

const transfer = true
const random = randomFrom(3)
const hex = { encoding: 'hex' }

/** Noise amid noise: a view that leaves some bytes of its buffer to others. */
function part(Buffer = ArrayBuffer, length = 100_000, before = 24, after = 40) {
  const buffer = new Buffer(before + length + after)
  fillWithNoise(new Uint8Array(buffer), random)
  return new Uint8Array(buffer, before, length)
}

/** All kinds of bytes that stand on an ArrayBuffer of their own. */
const OWN = {
  'a Uint8Array': (view) => view,
  'a Float64Array': ({ buffer, byteOffset, byteLength }) => new Float64Array(buffer, byteOffset, byteLength / 8),
  'a DataView': ({ buffer, byteOffset, byteLength }) => new DataView(buffer, byteOffset, byteLength),
  'an ArrayBuffer': ({ buffer }) => buffer,
}

const bufferOf = (data) => data.buffer ?? data

for (const { name, run } of promiseFormsOf('hash')) {
  test(`${name}: what the caller does with a copied input after the call does not matter`, async (t) => {
    for (const [what, make] of Object.entries(OWN)) {
      for (const harm of [
        (data) => new Uint8Array(bufferOf(data)).fill(0),
        (data) => detach({ buffer: bufferOf(data) }),
      ]) {
        const data = make(part())
        const digest = hashSync(data, hex)
        const task = run(data, hex)
        harm(data)
        t.is(await task, digest, what)
      }
    }
  })

  test(`${name}: takes the whole buffer of a view when it is called`, async (t) => {
    for (const [what, make] of Object.entries(OWN)) {
      const view = part()
      const data = make(view)
      const digest = hashSync(data, hex)
      const task = run(data, { ...hex, transfer })
      t.is(bufferOf(data).byteLength, 0, what)
      t.is(view.length, 0, what)
      t.is(await task, digest, what)
      t.is(view.length, 0, what)
    }
  })
}

test('hashSync: takes the whole buffer of a view', (t) => {
  for (const [what, make] of Object.entries(OWN)) {
    const data = make(part())
    const digest = hashSync(data, hex)
    t.is(hashSync(data, { ...hex, transfer }), digest, what)
    t.is(bufferOf(data).byteLength, 0, what)
  }
})

for (const { name, run } of formsOf('hash')) {
  test(`${name}: copies a Buffer that shares its memory, and leaves its neighbours alone`, async (t) => {
    const [one, pooled, other] = onOneSlab('one', 'heavy', 'other')
    const before = snapshot(pooled)
    const task = run(pooled, { ...hex, transfer })
    t.true(same(snapshot(pooled), before))
    pooled.fill(0)
    t.is(await task, hashSync(Uint8Array.from(Buffer.from('heavy')), hex))
    t.deepEqual([one, other].map(String), ['one', 'other'])
  })

  test(`${name}: copies a Buffer over part of an ArrayBuffer`, async (t) => {
    const { buffer, byteOffset, byteLength } = part()
    const before = snapshot({ buffer })
    const data = Buffer.from(buffer, byteOffset, byteLength)
    t.is(await run(data, { ...hex, transfer }), hashSync(data, hex))
    t.true(same(snapshot(data), before))
  })

  test(`${name}: takes a Buffer that has its memory for itself`, async (t) => {
    const data = Buffer.from(part().buffer)
    const digest = hashSync(data, hex)
    t.is(await run(data, { ...hex, transfer }), digest)
    t.is(data.length, 0)
  })

  test(`${name}: transfer means nothing for shared memory`, async (t) => {
    const data = part(SharedArrayBuffer)
    t.is(await run(data, { ...hex, transfer }), hashSync(data, hex))
    t.is(data.length, 100_000)
  })

  test(`${name}: a refused call leaves the memory with the caller`, async (t) => {
    for (const options of [{ algorithm: 'md5' }, { encoding: 5 }, { timeout: 0 }, { timeout: '1' }]) {
      const data = part()
      const before = snapshot(data)
      t.regex(await codeOf(run(data, { ...options, transfer })), /^ERR_(INVALID_ARG_(TYPE|VALUE)|OUT_OF_RANGE)$/)
      t.true(same(snapshot(data), before))
      const frozen = freeze(data)
      await codeOf(run(frozen, options))
      t.true(same(snapshot(frozen.thaw()), before), 'nobody reads it')
    }
  })
}

for (const { name, run } of promiseFormsOf('hash')) {
  test(`${name}: an aborted signal leaves the memory with the caller`, async (t) => {
    const data = part()
    t.is(await codeOf(run(data, { transfer, signal: AbortSignal.abort() })), 'ABORT_ERR')
    t.is(data.length, 100_000)
  })
}

test('a full queue and a closed pool leave the memory with the caller', async (t) => {
  const pool = openPool(t, { threads: 1, maxQueue: 0 })
  const release = await hold(pool)
  const inputs = [
    [hash, part()],
    [sort, new Float64Array(part().buffer)],
    [heavyLoadShared, new Uint32Array(part().buffer)],
  ]
  const frozen = freeze(part())
  const refused = async (code) => {
    for (const [kernel, data] of inputs) {
      const before = snapshot(data)
      t.is(await codeOf(kernel(data, { pool, transfer })), code)
      t.true(same(snapshot(data), before))
    }
    t.is(await codeOf(hash(frozen, { pool })), code)
  }
  await refused('ERR_POOL_OVERLOADED')
  await release()
  await pool.close()
  await refused('ERR_POOL_CLOSED')
  t.is(frozen.thaw().length, 100_000, 'nobody reads it')
})

test('an unknown kernel leaves the memory with the caller', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const data = part()
  t.is(await codeOf(pool.run('nope', data, { transfer })), 'ERR_UNKNOWN_KERNEL')
  t.is(data.length, 100_000)
})
