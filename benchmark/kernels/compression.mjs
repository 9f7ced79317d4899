// heavy-load/compression beside node:zlib and zstd packages: 64 MiB and 16 KiB of text, 2 threads each. Every output is read back.
//
//   npm run setup -- --packs && node benchmark/kernels/compression.mjs [FILE of text]
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { inFlight, inTurn, race } from './race.mjs'

// Read once, when the first work begins.
process.env.UV_THREADPOOL_SIZE = '2'
const { Decoder, Encoder } = await import('@toondepauw/node-zstd')
const { freeze, Pool } = await import('heavy-load')
const { compress, decompress } = await import('heavy-load/compression')

const MIB = 2 ** 20
const large = process.argv[2] ? readFileSync(process.argv[2]) : sources(64 * MIB)
const small = large.subarray(1e6, 1e6 + 16384)
const pool = new Pool({ threads: 2, niceness: 0 })
const frozen = freeze(Buffer.from(large))
const nodes = Object.fromEntries(
  ['gzip', 'gunzip', 'brotliCompress', 'brotliDecompress'].map((name) => [name, promisify(zlib[name])]),
)
const encoder = new Encoder(3)
const decoder = new Decoder()
const params = { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 }

/** Each format: ours, theirs, and who reads both back. */
const FORMATS = {
  'gzip 6': {
    format: 'gzip',
    others: { 'node:zlib': [(data) => nodes.gzip(data, { level: 6 }), (bytes) => nodes.gunzip(bytes)] },
  },
  'zstd 3': {
    format: 'zstd',
    others: {
      '@toondepauw/node-zstd': [(data) => encoder.encode(data), (bytes) => decoder.decode(bytes)],
      // Since Node.js 22.15.
      ...(zlib.zstdCompress && { 'node:zlib': [promisify(zlib.zstdCompress), promisify(zlib.zstdDecompress)] }),
    },
  },
  'brotli 4': {
    format: 'brotli',
    others: {
      'node:zlib': [(data) => nodes.brotliCompress(data, { params }), (bytes) => nodes.brotliDecompress(bytes)],
    },
  },
}

for (const [name, { format, others }] of Object.entries(FORMATS)) {
  const readBack = Object.values(others)[0][1]
  const checkIs = (data) => async (result, who) => {
    for (const bytes of [result].flat()) {
      assert((await readBack(bytes)).equals(data), who)
      console.log(`  ${who}: ${bytes.length} bytes`)
    }
  }
  const encoders = (data, ours = data) => ({
    'heavy-load': () => compress(ours, { format, pool }),
    ...Object.fromEntries(Object.entries(others).map(([who, [encode]]) => [who, () => encode(data)])),
  })
  await race(`${name}: 64 MiB of text`, encoders(large), { rounds: 7, check: checkIs(large) })
  await race(`${name}: 64 MiB of text, frozen (nothing copied)`, encoders(large, frozen), { rounds: 5 })
  await race(`${name}: 16 KiB of text, one after the other, 100 calls`, oneAfterTheOther(encoders(small), 100))
  await race(`${name}: 16 KiB of text, 100 in flight`, together(encoders(small), 100))
  const compressed = await compress(large, { format, pool })
  const decoders = (bytes) => ({
    'heavy-load': () => decompress(bytes, { format, pool }),
    ...Object.fromEntries(Object.entries(others).map(([who, [, decode]]) => [who, () => decode(bytes)])),
  })
  await race(`${name}: decompress to 64 MiB`, decoders(compressed), {
    rounds: 7,
    check: (result, who) => assert(result.equals(large), who),
  })
  const compressedSmall = await compress(small, { format, pool })
  await race(`${name}: decompress to 16 KiB, 100 calls`, oneAfterTheOther(decoders(compressedSmall), 100))
}
await pool.close()

function oneAfterTheOther(contestants, count) {
  return each(contestants, (call) => () => inTurn(count, call))
}

function together(contestants, count) {
  return each(contestants, (call) => () => inFlight(count, call))
}

function each(contestants, wrap) {
  return Object.fromEntries(Object.entries(contestants).map(([name, call]) => [name, wrap(call)]))
}

/** So many bytes of source text and documentation: what is installed here. */
function sources(length) {
  const folder = join(import.meta.dirname, '../../node_modules')
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  const texts = files.filter((file) => file.isFile() && /\.(m?js|ts|md|json)$/.test(file.name))
  const paths = texts.map((file) => join(file.parentPath ?? file.path, file.name)).sort()
  const data = Buffer.alloc(length)
  let at = 0
  for (const path of paths) {
    at += readFileSync(path).copy(data, at)
    if (at === length) return data
  }
  throw new Error(`There are only ${at} bytes of text in node_modules`)
}
