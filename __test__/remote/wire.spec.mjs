// lib/remote/wire.js: what JSON does not know comes back as it was.
import { createRequire } from 'node:module'
import { isDeepStrictEqual } from 'node:util'
import test from 'ava'
import { FrozenBuffer, freeze } from 'heavy-load'
import { randomFrom } from '../helpers/random.mjs'

const require = createRequire(import.meta.url)
const { TYPED_ARRAYS } = require('../../lib/buffers.js')
const { CODES, makeError } = require('../../lib/errors.js')
const { pack, packError, unpack, unpackError } = require('../../lib/remote/wire.js')

const SEED = Number(process.env.SEED ?? Date.now())
const VALUES = 2000
const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)

/** Through JSON and through parts in memory of their own, as between machines. */
function sent(value) {
  const parts = []
  const copyOf = (buffer) => new Uint8Array(buffer.buffer ?? buffer, buffer.byteOffset, buffer.byteLength).slice()
  const json = JSON.stringify(pack(value, parts, copyOf))
  return unpack(
    JSON.parse(json),
    parts.map((part) => part.buffer),
  )
}

const SINGLE = {
  NaN: Number.NaN,
  '-0': -0,
  Infinity: Infinity,
  '-Infinity': -Infinity,
  'the largest number': Number.MAX_VALUE,
  'the smallest number': Number.MIN_VALUE,
  'a large bigint': 2n ** 100n,
  'a negative bigint': -1n,
  undefined: undefined,
  null: null,
  'an empty string': '',
  'half a character': '\ud800',
  'an array with gaps': Object.assign([undefined], { 2: 1 }),
  'undefined in an object': { a: undefined },
  'a tag': { $: 'bigint', text: '5' },
  'a tag of no kind': { $: 'nothing' },
  'a tag that is undefined': { $: undefined },
  'a tag in a tag': { $: { $: { $: 'undefined' } }, entries: [['a', 1]] },
  'names of Object': { toString: 1, hasOwnProperty: 2, constructor: 3 },
  'a prototype in name only': JSON.parse('{"__proto__":{"polluted":true},"$":1}'),
}

test('values that JSON does not know', (t) => {
  for (const [name, value] of Object.entries(SINGLE)) {
    const got = sent(value)
    t.true(isDeepStrictEqual(got, Array.isArray(value) ? [...value] : value), name)
    t.true(isDeepStrictEqual(sent({ in: [value] }), { in: [Array.isArray(value) ? [...value] : value] }), name)
  }
  t.is({}.polluted, undefined)
})

test('every kind of buffer, anywhere, of its kind again', (t) => {
  const buffers = [
    ...Object.values(TYPED_ARRAYS).flatMap((View) => [
      new View(bytes.buffer),
      new View(0),
      new View(bytes.buffer.slice(), 0, 1),
    ]),
    Buffer.from(bytes),
    Buffer.alloc(0),
    bytes.buffer,
    new ArrayBuffer(0),
    new DataView(bytes.buffer, 3, 2),
    bytes.subarray(3, 3),
    bytes.subarray(5),
  ]
  const value = { buffers, deep: [{ first: buffers[0] }] }
  const got = sent(value)
  t.deepEqual(got, value)
  for (const [number, buffer] of buffers.entries()) t.is(got.buffers[number].constructor, buffer.constructor)
})

test('shared memory comes as memory of its own, frozen bytes as bytes', (t) => {
  const shared = new Uint16Array(new SharedArrayBuffer(4))
  shared.set([1, 2])
  t.deepEqual(sent(shared), Uint16Array.of(1, 2))
  t.true(sent(shared).buffer instanceof ArrayBuffer)
  t.true(sent(shared.buffer) instanceof ArrayBuffer)
  const parts = []
  const frozen = freeze(bytes.slice())
  t.true(frozen instanceof FrozenBuffer)
  t.deepEqual(
    unpack(
      pack(frozen, parts, () => bytes),
      [bytes.buffer],
    ),
    bytes,
  )
})

test('32 levels, and no more', (t) => {
  let value = 1
  for (let level = 0; level < 32; level++) value = [value]
  t.deepEqual(sent(value), value)
  t.throws(() => sent([[value]]), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('objects of every realm, and those without a prototype, are data', (t) => {
  t.deepEqual(sent(Object.assign(Object.create(null), { a: 1 })), { a: 1 })
  t.throws(() => sent(Object.create({ inherited: 1 })), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('any value', (t) => {
  const random = randomFrom(SEED)
  for (let count = 0; count < VALUES; count++) {
    const value = anyValue(random, 4)
    if (isDeepStrictEqual(sent(value), value)) continue
    t.deepEqual(sent(value), value, `SEED=${SEED}, value ${count}`)
    return
  }
  t.pass()
})

/** Of any kind, and of at most so many levels. */
function anyValue(random, depth) {
  const below = (limit) => Math.floor(random() * limit)
  const text = () => String.fromCharCode(...Array.from({ length: below(6) }, () => below(0x10000)))
  const kinds = [
    () => (random() - 0.5) * 10 ** (below(620) - 310),
    () => below(2 ** 31),
    () => [Number.NaN, -0, Infinity, -Infinity][below(4)],
    () => BigInt(below(2 ** 31)) ** BigInt(below(9)) * (random() < 0.5 ? -1n : 1n),
    () => [true, false, null, undefined][below(4)],
    text,
    () => {
      const View = Object.values(TYPED_ARRAYS)[below(11)]
      const buffer = Uint8Array.from({ length: 8 * below(9) }, () => below(256)).buffer
      return new View(buffer, 8 * below(1 + buffer.byteLength / 8))
    },
    () => Buffer.from(text()),
    () => Array.from({ length: below(5) }, () => anyValue(random, depth - 1)),
    () =>
      Object.fromEntries(
        Array.from({ length: below(5) }, () => [
          ['$', 'part', 'entries', 'text', text()][below(5)],
          anyValue(random, depth - 1),
        ]),
      ),
  ]
  return kinds[below(depth > 0 ? kinds.length : kinds.length - 2)]()
}

test('errors of every code keep code, class, name, message and retryAfter', (t) => {
  for (const code of Object.keys(CODES)) {
    const error = Object.assign(makeError(code, `about ${code}`), { retryAfter: 5 })
    const got = unpackError(JSON.parse(JSON.stringify(packError(error))))
    t.is(got.constructor, error.constructor, code)
    t.like(got, { code, name: error.name, message: error.message })
    if (code !== 'ERR_REMOTE') t.is(got.retryAfter, 5)
  }
})

test('whatever else a worker may throw is ERR_REMOTE, with it as cause', (t) => {
  const thrown = [
    [new RangeError('too much'), { name: 'RangeError', message: 'too much' }],
    [Object.assign(new Error('no file'), { code: 'ENOENT' }), { name: 'Error', message: 'no file', code: 'ENOENT' }],
    [Object.assign(new Error('a trick'), { code: 'constructor' }), { message: 'a trick' }],
    ['text', { message: 'text' }],
    [undefined, { message: 'undefined' }],
    [null, { message: 'null' }],
  ]
  for (const [what, cause] of thrown) {
    const got = unpackError(JSON.parse(JSON.stringify(packError(what))))
    t.is(got.code, 'ERR_REMOTE')
    t.true(got.cause instanceof Error)
    t.like(got.cause, cause)
  }
})

test('what a kernel keeps in one process cannot be sent', (t) => {
  const resource = Object.defineProperty({}, Symbol.toStringTag, { value: 'Dictionary' })
  t.throws(() => pack(resource, [], (buffer) => buffer), {
    code: 'ERR_INVALID_ARG_TYPE',
    message: /Received a Dictionary/,
  })
})
