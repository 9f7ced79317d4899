// Broken, cut off, hostile: an error with its code, soon, and never anything else.
import zlib from 'node:zlib'
import test from 'ava'
import { compressSync, decompress, decompressSync } from 'heavy-load/compression'
import { openPool } from '../../../__test__/helpers/pool.mjs'
import { randomFrom } from '../../../__test__/helpers/random.mjs'
import { corpus, FORMATS, text } from './helpers/samples.mjs'

const INVALID = { code: 'ERR_INVALID_DATA' }
const TOO_LARGE = { code: 'ERR_OUTPUT_TOO_LARGE' }
const MIB = 2 ** 20

for (const { file, format, bytes, data } of corpus) {
  test(`${file}: cut off anywhere`, (t) => {
    // Where one member or frame ends, what is there is whole.
    const wholes = []
    for (let length = 0; length < bytes.length; length++) {
      try {
        const result = decompressSync(bytes.subarray(0, length), { format })
        wholes.push(length)
        t.true(data.subarray(0, result.length).equals(result), `${length}`)
      } catch (error) {
        if (error.code !== INVALID.code) throw error
      }
    }
    const expected = { 'words.two.gz': 1, 'words.two.zst': 1, 'words.skip.zst': 2 }[file] ?? 0
    t.is(wholes.length, expected, `${wholes}`)
  })

  test(`${file}: one wrong bit anywhere`, (t) => {
    const hasCheck = format !== 'brotli' && file !== 'words.19.zst' && file !== 'words.header.gz'
    const random = randomFrom(7)
    const below = (count) => Math.floor(random() * count)
    const codes = new Set()
    for (let round = 0; round < 800; round++) {
      const broken = Buffer.from(bytes)
      const at = below(bytes.length)
      broken[at] ^= 1 << below(8)
      try {
        const result = decompressSync(broken, { format, maxOutputLength: MIB })
        // Fields that say nothing of the data may be anything.
        if (hasCheck) t.true(data.equals(result), `byte ${at}`)
      } catch (error) {
        codes.add(error.code)
      }
    }
    codes.delete(TOO_LARGE.code)
    t.deepEqual([...codes], [INVALID.code])
  })
}

for (const format of FORMATS) {
  const data = text(50_000)
  const compressed = compressSync(data, { format })

  test(`${format}: zeros behind the end are padding, anything else is not`, (t) => {
    for (const zeros of [1, 7, 512, 100_000]) {
      const padded = Buffer.concat([compressed, Buffer.alloc(zeros)])
      t.true(data.equals(decompressSync(padded, { format })), `${zeros}`)
      padded[padded.length - 1] = 1
      t.throws(() => decompressSync(padded, { format }), INVALID)
      const behind = Buffer.concat([compressed, Buffer.alloc(zeros), compressed])
      t.throws(() => decompressSync(behind, { format }), INVALID)
    }
    for (const trailing of [[1], [0x1f], [0x1f, 0x8b], [0x28, 0xb5], [255, 255, 255, 255, 255, 255]]) {
      const behind = Buffer.concat([compressed, Buffer.from(trailing)])
      t.throws(() => decompressSync(behind, { format }), INVALID)
    }
    t.throws(() => decompressSync(Buffer.alloc(100), { format }), INVALID)
    t.throws(() => decompressSync(Buffer.alloc(0), { format }), INVALID)
  })

  test(`${format}: several in a row`, (t) => {
    const row = Buffer.concat([compressed, compressSync(Buffer.alloc(0), { format }), compressed])
    if (format === 'gzip' || format === 'zstd') {
      t.true(Buffer.concat([data, data]).equals(decompressSync(row, { format })))
    } else {
      t.throws(() => decompressSync(row, { format }), INVALID)
    }
  })

  test(`${format}: the limit is exact`, (t) => {
    t.true(data.equals(decompressSync(compressed, { format, maxOutputLength: data.length })))
    for (const maxOutputLength of [0, 1, data.length - 1]) {
      t.throws(() => decompressSync(compressed, { format, maxOutputLength }), TOO_LARGE)
    }
    const nothing = compressSync(Buffer.alloc(0), { format })
    t.is(decompressSync(nothing, { format, maxOutputLength: 0 }).length, 0)
  })

  test(`${format}: a bomb is stopped where it passes the limit`, async (t) => {
    const bomb = compressSync(Buffer.alloc(64 * MIB), { format })
    t.true(bomb.length < MIB / 4)
    const pool = openPool(t, { threads: 1 })
    const before = process.memoryUsage().rss
    await t.throwsAsync(decompress(bomb, { format, pool, maxOutputLength: MIB }), TOO_LARGE)
    const grown = process.memoryUsage().rss - before
    t.true(grown < 48 * MIB, `${grown}`)
  })

  test(`${format}: other formats' data is invalid`, (t) => {
    for (const other of corpus.filter((entry) => entry.format !== format && entry.bytes.length > 100)) {
      t.throws(() => decompressSync(other.bytes, { format, maxOutputLength: MIB }), undefined, other.file)
    }
  })
}

test('a wrong checksum or length is invalid', (t) => {
  const data = text(10_000)
  for (const [format, from] of [
    ['gzip', 8],
    ['deflate', 4],
    ['zstd', 4],
  ]) {
    for (let back = 1; back <= from; back++) {
      const compressed = compressSync(data, { format })
      compressed[compressed.length - back] ^= 0x10
      t.throws(() => decompressSync(compressed, { format }), INVALID, `${format} ${back}`)
    }
  }
})

test('a dictionary that is not there, a window that is too large', (t) => {
  const dictionary = Buffer.from('a dictionary')
  const data = zlib.deflateSync('a dictionary of words', { dictionary })
  t.throws(() => decompressSync(data, { format: 'deflate' }), INVALID)
  // A frame header that asks for a window of 2^31 bytes, and one that asks for 2^27, and says that there will be 2^60 bytes.
  t.throws(() => decompressSync(Buffer.from('28b52ffd0058a8010000', 'hex'), { format: 'zstd' }), INVALID)
  const claims = Buffer.from('28b52ffdc0880000000000000010090000ff', 'hex')
  const before = process.memoryUsage().rss
  t.throws(() => decompressSync(claims, { format: 'zstd' }), INVALID)
  t.true(process.memoryUsage().rss - before < 64 * MIB)
  // A window of 2^30 bytes, which brotli has as an extension.
  t.throws(() => decompressSync(Buffer.from('11de0300', 'hex'), { format: 'brotli' }), INVALID)
})
