// hash: the digests that others give, whatever the form, the type of the bytes, and the way they are handed over.
import { createHash } from 'node:crypto'
import { runInNewContext } from 'node:vm'
import { crc32 } from 'node:zlib'
import test from 'ava'
import { freeze } from 'heavy-load'
import { fillWithNoise, same, snapshot, VIEWS } from '../helpers/buffers-memory.mjs'
import { codeOf, errorOf } from '../helpers/errors.mjs'
import { formsOf, promiseFormsOf } from '../helpers/forms.mjs'
import { randomFrom } from '../helpers/random.mjs'

const forms = formsOf('hash')
const KiB = 1024

/** The input of BLAKE3's own test vectors: 0, 1, ... 250, 0, 1, ... */
const PATTERN = new Uint8Array(2 * KiB * KiB).map((_, index) => index % 251)
const pattern = (length) => PATTERN.slice(0, length)

/**
 * BLAKE3 of the pattern, by length. Those up to 102400 bytes are among the algorithm's official test vectors or beside
 * them, the others were made with its reference implementation. A leaf of the tree is 64 KiB here, so they have from no
 * inner node to many, in balanced trees and others.
 */
const BLAKE3 = {
  0: 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262',
  1: '2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213',
  64: '4eed7141ea4a5cd4b788606bd23f46e212af9cacebacdc7d1f4c6dc7f2511b98',
  1023: '10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11',
  1024: '42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7',
  1025: 'd00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444',
  2049: '5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030',
  31744: '62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47',
  65535: 'de7d0f4c044c56f56e0c5f7ab247be9491c4520e8688f0f0d25406f46fdfbd03',
  65536: '68d647e619a930e7b1082f74f334b0c65a315725569bdc123f0ee11881717bfe',
  65537: '7c99f9840a73dfcb6e5bfe4ff6d1558acab7e015640790c26411818bdbe17eca',
  102400: 'bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085',
  131072: '306baba93b1a393cbd35172837c98b0f59a41f64e1b2682ae102d8b2534b9e1c',
  131073: 'f837d4254d24ba3d50fe3743d46e4af6db5f5d6ab0469197d94e7ba1e906c4d8',
  196609: '24af087e4d878227c008c68e1813d2c10d621f9ffcca0160cf11b9bc5f19a532',
  262144: 'd57dc906e20d3fd326ffaa85535500486f46a0979f5a323f028dcabfd381fd4a',
  327680: 'ce50cc6867079e3fff238032a299c9aef917d9a0fedaa9de76f8e339f0e82b5d',
  327681: 'f485c8192ec635624c151b2fe10423ddeae307305a5d8aacf6ec37d8b70ab24c',
  1048577: '2f053cd7472cf0cd2f9adaf45c1180255b91b9a865404a63671a0ee5f792ed33',
  1441793: '4bb94b1fbeced25ffebb3218153811f47cc5c7b0c0c749da8c30f5ed873a1dc6',
}

/** XXH3, 64 bits, of the pattern, by length: its short, middle and long inputs, which it treats differently. */
const XXH3 = {
  0: '2d06800538d394c2',
  1: 'c44bdff4074eecdb',
  3: '5f4299fc161c9cbb',
  4: '60dab036a58211f2',
  8: '3a1c2d7c85af88f8',
  9: 'e9612598145bb9dc',
  16: '8355e3a6f61770db',
  17: '9ef341a99de37328',
  128: '85c6174c7ff4c46b',
  129: 'ec7642b431ba3e5a',
  240: '375a384d957fe865',
  241: '02e8cd95421c6d02',
  1025: 'e95c42288f28186e',
  16384: '168f7fb4781d0831',
  16385: 'fea38d9173737a4b',
  65537: '70331d53d92bbc56',
}

/** Around the block sizes of the algorithms, the 16 KiB of a unit, and the 64 KiB of a leaf. */
const LENGTHS = [0, 1, 55, 56, 64, 111, 112, 128, 129, 1000, ...around(16 * KiB), ...around(64 * KiB), 192 * KiB + 7]

function around(length) {
  return [length - 1, length, length + 1]
}

/** What others make of the same bytes. */
const REFERENCES = {
  sha256: (data) => createHash('sha256').update(data).digest('hex'),
  sha512: (data) => createHash('sha512').update(data).digest('hex'),
  crc32: (data) => crc32(data).toString(16).padStart(8, '0'),
}

for (const { name, run } of forms) {
  for (const [algorithm, reference] of Object.entries(REFERENCES)) {
    test(`${name}: ${algorithm} as Node gives it`, async (t) => {
      const random = randomFrom(1)
      for (const length of LENGTHS) {
        const data = fillWithNoise(new Uint8Array(length), random)
        t.is(await run(data, { algorithm, encoding: 'hex' }), reference(data), `${length} bytes`)
      }
    })
  }

  for (const [algorithm, vectors] of Object.entries({ blake3: BLAKE3, xxh3: XXH3 })) {
    test(`${name}: ${algorithm} as published`, async (t) => {
      for (const [length, digest] of Object.entries(vectors)) {
        t.is(await run(pattern(Number(length)), { algorithm, encoding: 'hex' }), digest, `${length} bytes`)
      }
    })
  }

  test(`${name}: check values`, async (t) => {
    const check = (text, algorithm) => run(Buffer.from(text), { algorithm, encoding: 'hex' })
    t.is(await check('123456789', 'crc32'), 'cbf43926')
    t.is(await check('', 'crc32'), '00000000')
    t.is(await check('abc', 'xxh3'), '78af5f94892f3950')
    t.is(await check('abc', 'sha256'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    t.is(await check('abc', 'blake3'), '6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85')
  })

  test(`${name}: a Buffer of BLAKE3, unless told`, async (t) => {
    const digest = await run(pattern(1))
    t.true(Buffer.isBuffer(digest))
    t.is(digest.toString('hex'), BLAKE3[1])
    const none = { algorithm: undefined, encoding: undefined }
    t.deepEqual(await run(pattern(1), none), digest)
  })

  test(`${name}: encodings`, async (t) => {
    const data = pattern(1000)
    for (const algorithm of ['blake3', 'sha256', 'sha512', 'xxh3', 'crc32']) {
      const buffer = await run(data, { algorithm, encoding: 'buffer' })
      t.true(Buffer.isBuffer(buffer))
      t.is(await run(data, { algorithm, encoding: 'hex' }), buffer.toString('hex'))
      t.is(await run(data, { algorithm, encoding: 'base64' }), buffer.toString('base64'))
    }
  })

  // 64 KiB and more, so that a view's offset counts for every leaf.
  for (const length of [0, 8, 1000, 128 * KiB + 8]) {
    test(`${name}: ${length} bytes of every type`, async (t) => {
      for (const algorithm of ['blake3', 'sha256']) {
        const bytes = pattern(length)
        const digest = await run(bytes, { algorithm })
        for (const [type, make] of Object.entries(TYPES)) {
          const data = make(bytes)
          t.deepEqual(await run(data, { algorithm }), digest, `${type}, ${algorithm}`)
          t.deepEqual(await run(data, { algorithm }), digest, `${type}, ${algorithm}: it is still there`)
        }
      }
    })

    test(`${name}: ${length} bytes of every type, by transfer`, async (t) => {
      const bytes = pattern(length)
      const digest = await run(bytes)
      for (const [type, make] of Object.entries(TYPES)) {
        t.deepEqual(await run(make(bytes), { transfer: true }), digest, type)
      }
    })
  }

  test(`${name}: leaves a copied input as it is`, async (t) => {
    const view = new Uint8Array(pattern(1000).buffer, 8, 900)
    const before = snapshot(view)
    await run(view)
    t.true(same(snapshot(view), before))
  })

  test(`${name}: takes bytes only`, async (t) => {
    const noBytes = [undefined, null, 5, 5n, true, 'abc', Symbol('abc'), [], [1, 2], {}, { length: 1, 0: 1 }, () => {}]
    const strange = [new Map(), new Date(0), new Proxy(new Uint8Array(4), {}), Object.create(Uint8Array.prototype)]
    for (const data of [...noBytes, ...strange]) {
      for (const options of [{}, { transfer: true }]) {
        const error = await errorOf(run(data, options))
        t.is(error.code, 'ERR_INVALID_ARG_TYPE')
        t.true(error instanceof TypeError)
        t.regex(error.message, /^The "data" argument must be an instance of Buffer, .* or FrozenBuffer\. Received /)
      }
    }
  })

  for (const option of ['algorithm', 'encoding']) {
    test(`${name}: options.${option}`, async (t) => {
      for (const value of [null, 5, true, ['sha256'], {}, Symbol('hex')]) {
        const error = await errorOf(run(pattern(1), { [option]: value }))
        t.is(error.code, 'ERR_INVALID_ARG_TYPE')
        t.true(error.message.startsWith(`The "options.${option}" property must be of type string. Received`))
      }
      for (const value of ['', 'md5', 'HEX', 'Sha256', 'latin1', 'toString', '__proto__', 'sha256\0']) {
        const error = await errorOf(run(pattern(1), { [option]: value }))
        t.is(error.code, 'ERR_INVALID_ARG_VALUE')
        t.true(error.message.startsWith(`The "options.${option}" property must be one of: '`))
      }
    })
  }
}

/** Bytes as everything that they can be. A neighbour's bytes stand around those of a view. */
const TYPES = {
  Buffer: (bytes) => Buffer.from(bytes),
  'a Buffer over part of a buffer': (bytes) => {
    const view = amid(ArrayBuffer, bytes, 3)
    return Buffer.from(view.buffer, 3, view.length)
  },
  'a Buffer over part of a SharedArrayBuffer': (bytes) => {
    const view = amid(SharedArrayBuffer, bytes, 5)
    return Buffer.from(view.buffer, 5, view.length)
  },
  Uint8Array: (bytes) => bytes.slice(),
  'a Uint8Array over part of a buffer': (bytes) => amid(ArrayBuffer, bytes, 1),
  'a Uint8Array over part of a SharedArrayBuffer': (bytes) => amid(SharedArrayBuffer, bytes, 7),
  'a subclass': (bytes) => new (class Sub extends Uint8Array {})(bytes),
  'a Uint8Array of another realm': (bytes) => runInNewContext('Uint8Array').from(bytes),
  'an ArrayBuffer of another realm': (bytes) => runInNewContext('Uint8Array').from(bytes).buffer,
  DataView: (bytes) => {
    const view = amid(ArrayBuffer, bytes, 9)
    return new DataView(view.buffer, 9, view.length)
  },
  'a DataView over a SharedArrayBuffer': (bytes) => {
    const view = amid(SharedArrayBuffer, bytes, 2)
    return new DataView(view.buffer, 2, view.length)
  },
  ArrayBuffer: (bytes) => bytes.slice().buffer,
  SharedArrayBuffer: (bytes) => amid(SharedArrayBuffer, bytes, 0, 0).buffer,
  FrozenBuffer: (bytes) => freeze(bytes.slice()),
  'a FrozenBuffer of a view over part of a buffer': (bytes) => freeze(amid(ArrayBuffer, bytes, 11)),
  ...Object.fromEntries(
    VIEWS.flatMap((View) => [
      [View.name, (bytes) => new View(bytes.slice().buffer)],
      [`a ${View.name} over part of a SharedArrayBuffer`, (bytes) => over(View, amid(SharedArrayBuffer, bytes, 8))],
    ]),
  ),
}

/** A view over these bytes, amid others. */
function amid(Buffer, bytes, before, after = 13) {
  const whole = new Uint8Array(new Buffer(before + bytes.length + after)).fill(0xee)
  whole.set(bytes, before)
  return whole.subarray(before, before + bytes.length)
}

function over(View, { buffer, byteOffset, byteLength }) {
  return new View(buffer, byteOffset, byteLength / View.BYTES_PER_ELEMENT)
}

for (const { name, run } of promiseFormsOf('hash')) {
  test(`${name}: rejects, and never throws`, async (t) => {
    t.is(await codeOf(run()), 'ERR_INVALID_ARG_TYPE')
    t.is(await codeOf(run('abc')), 'ERR_INVALID_ARG_TYPE')
    t.is(await codeOf(run(pattern(1), null)), 'ERR_INVALID_ARG_TYPE')
    t.is(await codeOf(run(pattern(1), { algorithm: 'md5' })), 'ERR_INVALID_ARG_VALUE')
  })

  for (const algorithm of ['blake3', 'sha512']) {
    test.serial(`${name}: ${algorithm} is stopped in the middle`, async (t) => {
      // Shared, so that many tasks read the same bytes without a copy. Together they take far longer than it takes until
      // progress is told.
      const data = new Uint8Array(new SharedArrayBuffer(256 * KiB * KiB))
      const told = []
      const tasks = Array.from({ length: 8 }, () => {
        const controller = new AbortController()
        const onProgress = (fraction) => {
          told.push(fraction)
          controller.abort()
        }
        return codeOf(run(data, { algorithm, signal: controller.signal, onProgress }))
      })
      t.deepEqual(await Promise.all(tasks), Array(8).fill('ABORT_ERR'))
      t.true(told[0] < 1, `told ${told}`)
      t.is((await run(pattern(1))).toString('hex'), BLAKE3[1], 'others are served')
    })
  }
}
