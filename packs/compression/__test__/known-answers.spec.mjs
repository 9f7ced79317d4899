// What the formats' own tools have made is read; what is made here, they read.
import { spawnSync } from 'node:child_process'
import zlib from 'node:zlib'
import test from 'ava'
import { compressSync, decompressSync } from 'heavy-load/compression'
import { corpus, FORMATS, text } from './helpers/samples.mjs'

test('every file of the corpus, and every format has some', (t) => {
  for (const { file, format, bytes, data } of corpus) t.true(data.equals(decompressSync(bytes, { format })), file)
  for (const format of FORMATS) t.true(corpus.filter((entry) => entry.format === format).length >= 4)
})

test("what Node's zlib makes", (t) => {
  const data = text(300_000)
  for (const level of [0, 1, 6, 9]) {
    t.true(data.equals(decompressSync(zlib.gzipSync(data, { level }))))
    t.true(data.equals(decompressSync(zlib.deflateSync(data, { level }), { format: 'deflate' })))
    t.true(data.equals(decompressSync(zlib.deflateSync(data, { level, windowBits: 9 }), { format: 'deflate' })))
    const params = { [zlib.constants.BROTLI_PARAM_QUALITY]: level }
    t.true(data.equals(decompressSync(zlib.brotliCompressSync(data, { params }), { format: 'brotli' })))
  }
})

const TOOLS = {
  gzip: [
    ['gzip', '-dc'],
    ['pigz', '-dc'],
  ],
  deflate: [['pigz', '-dzc']],
  zstd: [['zstd', '-dc']],
  brotli: [['brotli', '-dc']],
}

for (const [format, tools] of Object.entries(TOOLS)) {
  for (const [tool, ...args] of tools) {
    const isThere = spawnSync(tool, ['--version']).error === undefined
    ;(isThere ? test : test.skip)(`${tool} reads ${format}, of one section and of several`, (t) => {
      for (const [length, level] of [
        [0, undefined],
        [1000, undefined],
        [100_000, 9],
        [2 ** 20 + 3, undefined],
        [17 * 2 ** 20, 1],
      ]) {
        const data = text(length)
        const input = compressSync(data, { format, level })
        const { status, stdout, stderr } = spawnSync(tool, args, { input, maxBuffer: 2 ** 26 })
        t.is(status, 0, `${stderr}`)
        t.true(data.equals(stdout), `${length}`)
      }
    })
  }
}
