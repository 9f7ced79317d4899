// Bytes of every kind go to a worker and come back.
import test from 'ava'
import { freeze, hash, hashSync, heavyLoadShared, heavyLoadSharedSync, sort, sortSync } from 'heavy-load'
import { VIEWS } from '../helpers/buffers-memory.mjs'
import { randomFrom } from '../helpers/random.mjs'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import { nothingLeft, openAll } from '../helpers/remote-open.mjs'

const HEX = { algorithm: 'sha256', encoding: 'hex' }
const MIB = 2 ** 20

function randomBytes(length) {
  const random = randomFrom(length)
  return Uint8Array.from({ length }, () => random() * 256)
}

function shared(bytes) {
  const view = new Uint8Array(new SharedArrayBuffer(bytes.length))
  view.set(bytes)
  return view
}

withRedis(test, 'payloads of remote pools', () => {
  const redis = redisFor(test)

  test.serial('typed arrays of every kind, whole, in part and empty', async (t) => {
    const { remote: pool, client } = await openAll(t, redis)
    for (const View of VIEWS) {
      const whole = new View(randomBytes(96).buffer)
      for (const view of [whole, whole.subarray(1, 9), whole.subarray(2, 2), new View(0)]) {
        const sorted = await sort(view, { pool })
        t.is(sorted.constructor, View)
        t.deepEqual(sorted, sortSync(view), View.name)
      }
    }
    await nothingLeft(t, client, pool)
  })

  test.serial('bytes in every wrapping', async (t) => {
    const { remote: pool, client } = await openAll(t, redis)
    const bytes = randomBytes(300)
    const wrapped = [
      Buffer.from(bytes),
      Buffer.from(bytes.buffer, 7, 100),
      bytes,
      bytes.subarray(200),
      bytes.buffer,
      new ArrayBuffer(0),
      new DataView(bytes.buffer, 9, 90),
      shared(bytes),
      shared(bytes).subarray(4, 40),
      shared(bytes).buffer,
    ]
    for (const data of wrapped) t.is(await hash(data, { ...HEX, pool }), hashSync(data, HEX))
    t.deepEqual(await hash(bytes, { pool }), hashSync(bytes), 'a Buffer comes as one')
    t.true(Buffer.isBuffer(await sort(Buffer.from(bytes), { pool })))
    await nothingLeft(t, client, pool)
  })

  test.serial('frozen bytes are read until they are sent, and stay', async (t) => {
    const { remote: pool, client } = await openAll(t, redis)
    const bytes = randomBytes(100)
    const frozen = freeze(bytes.slice())
    const results = Promise.all([hash(frozen, { ...HEX, pool }), hash(frozen, { ...HEX, pool })])
    t.throws(() => frozen.thaw(), { code: 'ERR_BUFFER_IN_USE' })
    t.deepEqual(await results, Array(2).fill(hashSync(bytes, HEX)))
    t.deepEqual(frozen.thaw(), bytes)
    await nothingLeft(t, client, pool)
  })

  test.serial(
    'with `transfer` the bytes are gone at once; without, what becomes of them does not matter',
    async (t) => {
      const { remote: pool } = t.context
      const bytes = randomBytes(1000)
      const taken = bytes.slice()
      const transferred = sort(taken, { pool, transfer: true })
      t.is(taken.byteLength, 0)
      const kept = bytes.slice()
      const copied = sort(kept, { pool })
      kept.fill(7)
      t.deepEqual(await transferred, sortSync(bytes))
      t.deepEqual(await copied, sortSync(bytes))
      t.deepEqual(kept, new Uint8Array(1000).fill(7))
      const part = bytes.slice().subarray(10, 20)
      const partial = sort(part, { pool, transfer: true })
      t.is(part.byteLength, 0)
      t.deepEqual(await partial, sortSync(bytes.subarray(10, 20)))
      // Node's slab belongs to others, too.
      const small = Buffer.from('small')
      t.is(await hash(small, { ...HEX, pool, transfer: true }), hashSync(Buffer.from('small'), HEX))
      t.is(String(small), 'small')
    },
  )

  test.serial('shared memory stays as it is: results are new', async (t) => {
    const { remote: pool, client } = await openAll(t, redis)
    const view = new Uint32Array(new SharedArrayBuffer(16)).fill(5)
    const expected = heavyLoadSharedSync(Uint32Array.of(5, 5, 5, 5), { rounds: 9, transfer: true })
    t.deepEqual(await heavyLoadShared(view, { pool, rounds: 9 }), expected)
    t.deepEqual([...view], [5, 5, 5, 5])
    await nothingLeft(t, client, pool)
  })

  test.serial('more than a piece comes back byte by byte', async (t) => {
    const { remote: pool, client } = await openAll(t, redis)
    for (const size of [8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 17 * MIB + 5]) {
      const bytes = new Uint8Array(size)
      for (let at = 0; at < size; at += 997) bytes[at] = at * 7
      t.is(await hash(bytes, { ...HEX, pool }), hashSync(bytes, HEX))
      const sorted = await sort(bytes, { pool })
      t.is(Buffer.compare(sorted, sortSync(bytes)), 0, `${size} bytes`)
    }
    await nothingLeft(t, client, pool)
  })
})
