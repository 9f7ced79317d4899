// What is compressed decompresses to itself: formats, levels, sizes, forms, hand-overs; and Node reads it.
import test from 'ava'
import { freeze } from 'heavy-load'
import {
  compress,
  compressAsync,
  compressSync,
  decompress,
  decompressAsync,
  decompressSync,
} from 'heavy-load/compression'
import { openPool } from '../../../__test__/helpers/pool.mjs'
import { FORMATS, NODE, text } from './helpers/samples.mjs'

const LEVELS = {
  gzip: [0, 9],
  deflate: [0, 9],
  zstd: [1, 22],
  brotli: [0, 11],
}
const KIB = 1024
const MIB = 1024 * KIB
const small = text(70 * KIB)

for (const format of FORMATS) {
  test(`${format}: every level`, async (t) => {
    const [first, last] = LEVELS[format]
    const sizes = []
    for (let level = first; level <= last; level++) {
      const compressed = await compress(small, { format, level })
      t.deepEqual(await decompress(compressed, { format }), small, `${level}`)
      sizes.push(compressed.length)
    }
    t.true(sizes.at(-1) < sizes.at(1), `${sizes}`)
    for (const level of [first - 1, last + 1, 1.5]) {
      await t.throwsAsync(compress(small, { format, level }), { code: 'ERR_OUT_OF_RANGE' })
    }
  })

  test(`${format}: sizes about pieces and sections`, async (t) => {
    const sizes = [0, 1, 2, 3, 4, 100]
    for (const border of [16 * KIB, 32 * KIB, 64 * KIB, 128 * KIB, 512 * KIB, MIB]) {
      sizes.push(border - 1, border, border + 1)
    }
    // Large ones, at a level that costs little.
    const larger =
      format === 'zstd' || format === 'brotli' ? [8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 17 * MIB] : [3 * MIB + 7]
    for (const [lengths, level] of [
      [sizes, undefined],
      [larger, 1],
    ]) {
      for (const length of lengths) {
        const data = text(length)
        const compressed = await compress(data, { format, level })
        t.true(data.equals(await decompress(compressed, { format })), `${length}`)
        if (format in NODE) t.true(data.equals(NODE[format](compressed)), `Node, ${length}`)
      }
    }
  })

  test(`${format}: data that cannot be compressed grows by little`, async (t) => {
    const data = Buffer.alloc(2 * MIB)
    for (let at = 0, x = 1; at < data.length; at++) {
      x = (Math.imul(x, 1103515245) + 12345) >>> 0
      data[at] = x >>> 23
    }
    const compressed = await compress(data, { format })
    t.true(compressed.length < data.length * 1.001 + 64, `${compressed.length}`)
    t.true(data.equals(await decompress(compressed, { format })))
  })

  test(`${format}: all forms give the same`, async (t) => {
    const data = text(2 * MIB)
    const compressed = compressSync(data, { format })
    t.true(Buffer.isBuffer(compressed))
    t.true(compressed.equals(await compress(data, { format })))
    t.true(compressed.equals(await compressAsync(data, { format })))
    for (const call of [decompress, decompressSync, decompressAsync]) {
      const result = await call(compressed, { format })
      t.true(Buffer.isBuffer(result) && data.equals(result), call.name)
    }
  })

  test(`${format}: the result is the same, however many threads there are`, async (t) => {
    const data = text(20 * MIB)
    const level = 1
    const results = []
    for (const threads of [1, 2, 5]) {
      results.push(await compress(data, { format, level, pool: openPool(t, { threads }) }))
    }
    t.true(results[0].equals(results[1]) && results[0].equals(results[2]))
    t.true(data.equals(await decompress(results[0], { format })))
  })

  test(`${format}: every hand-over`, async (t) => {
    for (const length of [10_000, 2 * MIB]) {
      const data = text(length)
      const compressed = compressSync(data, { format })
      const buffer = (bytes) => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)
      const shared = (bytes) => {
        const view = new Uint8Array(new SharedArrayBuffer(bytes.length))
        view.set(bytes)
        return view
      }
      for (const [call, back, bytes, expected] of [
        [compress, decompressSync, data, data],
        [decompress, (result) => result, compressed, data],
      ]) {
        const inputs = [
          bytes,
          new Uint8Array(buffer(bytes)),
          buffer(bytes),
          new DataView(buffer(bytes)),
          shared(bytes),
          shared(bytes).buffer,
          freeze(Buffer.from(bytes)),
        ]
        for (const input of inputs) {
          const result = back(await call(input, { format }), { format })
          t.true(expected.equals(result), `${call.name} ${input.constructor.name}`)
        }
        const moved = new Uint8Array(buffer(bytes))
        const result = back(await call(moved, { format, transfer: true }), { format })
        t.true(expected.equals(result) && moved.length === 0, `${call.name}, moved`)
      }
    }
  })
}

test('gzip is the default, and what it gives is one member', async (t) => {
  const data = text(3 * MIB)
  const compressed = await compress(data)
  t.is(compressed.readUInt16BE(0), 0x1f8b)
  t.is(compressed.readUInt32LE(compressed.length - 4), data.length)
  t.true(data.equals(await decompress(compressed)))
})

test('zlib headers and gzip headers say the level', (t) => {
  const head = (format, level, length) => compressSync(small, { format, level }).subarray(0, length).toString('hex')
  t.deepEqual(
    [0, 1, 5, 6, 9].map((level) => head('deflate', level, 2)),
    ['7801', '7801', '785e', '789c', '78da'],
  )
  t.is(head('gzip', 1, 10), '1f8b08000000000004ff')
  t.is(head('gzip', 6, 10), '1f8b08000000000000ff')
  t.is(head('gzip', 9, 10), '1f8b08000000000002ff')
})

test('memory that is written meanwhile gives what can be decompressed', async (t) => {
  const data = new Uint8Array(new SharedArrayBuffer(4 * MIB))
  const pool = openPool(t, { threads: 2 })
  for (const format of FORMATS) {
    data.set(text(data.length))
    let writes = 0
    const task = compress(data, {
      format,
      pool,
      onProgress: () => {
        data.fill(writes++ % 256)
      },
    })
    const compressed = await task
    const result = await decompress(compressed, { format })
    t.is(result.length, data.length)
  }
})

test('mistakes of the caller have their codes', async (t) => {
  const [TYPE, VALUE, RANGE] = ['ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_VALUE', 'ERR_OUT_OF_RANGE']
  const cases = [
    [TYPE, compress, undefined],
    [TYPE, compress, 'text'],
    [TYPE, compress, 5],
    [TYPE, compress, small, { format: 5 }],
    [VALUE, compress, small, { format: 'lzma' }],
    [TYPE, compress, small, { level: '6' }],
    [RANGE, compress, small, { level: Number.NaN }],
    [TYPE, decompress, null],
    [VALUE, decompress, small, { format: 'raw' }],
    [TYPE, decompress, small, { maxOutputLength: '1' }],
    [RANGE, decompress, small, { maxOutputLength: -1 }],
    [RANGE, decompress, small, { maxOutputLength: 1.5 }],
  ]
  for (const [code, call, ...args] of cases) await t.throwsAsync(call(...args), { code })
})
