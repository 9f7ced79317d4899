// While it runs: progress, stopping, many at once.
import test from 'ava'
import { compress, decompress, decompressSync } from 'heavy-load/compression'
import { idle, openPool } from '../../../__test__/helpers/pool.mjs'
import { until } from '../../../__test__/helpers/turns.mjs'
import { FORMATS, text } from './helpers/samples.mjs'

const MIB = 2 ** 20
const data = text(24 * MIB)

/** So slow that there is time to stop it. */
const SLOW = { gzip: 9, deflate: 9, zstd: 9, brotli: 9 }

for (const format of FORMATS) {
  test.serial(`${format}: an abort while it compresses frees the threads`, async (t) => {
    const pool = openPool(t, { threads: 2 })
    await abort(t, pool, (signal) => compress(data, { format, level: SLOW[format], pool, signal }))
    const seen = []
    const onProgress = (fraction) => seen.push(fraction)
    await compress(data, { format, level: SLOW[format], pool, onProgress })
    t.true(isGrowing(seen), `${seen}`)
  })

  test.serial(`${format}: an abort while it decompresses frees the thread`, async (t) => {
    const pool = openPool(t, { threads: 2 })
    const long = text(96 * MIB)
    const compressed = await compress(long, { format, level: 1, pool })
    await abort(t, pool, (signal) => decompress(compressed, { format, pool, signal }))
    const seen = []
    const onProgress = (fraction) => seen.push(fraction)
    t.true(long.equals(await decompress(compressed, { format, pool, onProgress })))
    t.true(isGrowing(seen), `${seen}`)
  })
}

/** Begins a task, and stops it at once. */
async function abort(t, pool, begin) {
  const controller = new AbortController()
  const task = begin(controller.signal)
  await until(() => pool.stats().running === 1, 'a begin')
  controller.abort()
  await t.throwsAsync(task, { code: 'ABORT_ERR' })
  await idle(pool)
  t.is(pool.stats().memory, 0)
}

/** Whether fractions go from somewhere on the way to the end. */
function isGrowing(fractions) {
  return fractions.at(-1) === 1 && fractions.every((fraction, index) => fraction >= (fractions[index - 1] ?? 0))
}

test.serial('many at once take memory as there are threads, not as there are tasks', async (t) => {
  const pool = openPool(t, { threads: 2, maxQueue: 40_000 })
  const small = data.subarray(0, 200)
  const before = process.memoryUsage().rss
  const tasks = Array.from({ length: 30_000 }, (_, index) =>
    compress(small, { pool, format: FORMATS[index % 4], level: 1 }),
  )
  const grown = process.memoryUsage().rss - before
  // An encoder takes some hundred KiB: of all tasks that would be GiB.
  t.true(grown < 300 * MIB, `${grown}`)
  const results = await Promise.all(tasks)
  for (const [index, format] of FORMATS.entries()) t.deepEqual(decompressSync(results[index], { format }), small)
})

test.serial('a pool begins no more than it has memory for', async (t) => {
  const pool = openPool(t, { threads: 4, maxMemory: 100 * MIB })
  let most = 0
  const watch = setInterval(() => {
    most = Math.max(most, pool.stats().memory)
  }, 1)
  const inputs = Array.from({ length: 6 }, () => data.subarray(0, 8 * MIB))
  const compressed = await Promise.all(inputs.map((input) => compress(input, { pool, level: 1 })))
  const results = await Promise.all(compressed.map((bytes) => decompress(bytes, { pool, maxOutputLength: 40 * MIB })))
  clearInterval(watch)
  t.true(results.every((result) => result.equals(inputs[0])))
  t.true(most > 0 && most <= 100 * MIB, `${most}`)
})
