// Data to compress, and the corpus.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import zlib from 'node:zlib'

const CORPUS = join(import.meta.dirname, '../../corpus')

export const FORMATS = ['gzip', 'deflate', 'zstd', 'brotli']

const EXTENSIONS = { gz: 'gzip', zz: 'deflate', zst: 'zstd', br: 'brotli' }
const INPUTS = {
  empty: Buffer.alloc(0),
  words: readFileSync(join(CORPUS, 'words.in')),
  noise: readFileSync(join(CORPUS, 'noise.in')),
  zeros: Buffer.alloc(300_000),
}

/** What the formats' own tools have made: each file's name, format, bytes, and what they stand for. */
export const corpus = readdirSync(CORPUS)
  .filter((file) => file.split('.').pop() in EXTENSIONS)
  .map((file) => ({
    file,
    format: EXTENSIONS[file.split('.').pop()],
    bytes: readFileSync(join(CORPUS, file)),
    data: INPUTS[file.split('.')[0]],
  }))

/** The words of the corpus again and again, each time with other numbers between, so that it is no mere repetition. */
export function text(length) {
  const { words } = INPUTS
  const data = Buffer.alloc(length)
  for (let at = 0, round = 0; at < length; at += words.length, round++) {
    words.copy(data, at)
    for (let line = at + round; line < Math.min(at + words.length, length); line += 61) data[line] = 97 + (line % 23)
  }
  return data
}

/** Node's own decoder of a format, if it has one. */
export const NODE = { gzip: zlib.gunzipSync, deflate: zlib.inflateSync, brotli: zlib.brotliDecompressSync }
