// Results: small ones are copied, those of 64 KiB and more are not, and nobody can tell but by the time and the memory.
import test from 'ava'
import { freeze, hashSync, Pool, sort } from 'heavy-load'
import { collectGarbage, fillWithNoise, same } from '../../helpers/buffers-memory.mjs'
import { runFixture } from '../../helpers/child.mjs'
import { formsOf } from '../../helpers/forms.mjs'
import { randomFrom } from '../../helpers/random.mjs'
import { turn } from '../../helpers/turns.mjs'

const random = randomFrom(8)
const hex = { encoding: 'hex' }
const KiB = 1024
const MiB = KiB * KiB
const SIZES = [0, 1, 64 * KiB - 1, 64 * KiB, 64 * KiB + 1, MiB]
/** The whole of it takes minutes, so it has to be asked for. */
const isLong = process.env.HEAVY_LOAD_LONG === '1'

const noise = (bytes, View = Uint8Array) => fillWithNoise(new View(Math.floor(bytes / View.BYTES_PER_ELEMENT)), random)

for (const { name, run } of formsOf('sort')) {
  for (const size of SIZES) {
    test(`${name}: a result of ${size} bytes`, async (t) => {
      for (const View of [Uint8Array, Int16Array, Uint32Array, BigInt64Array]) {
        const input = noise(size, View)
        const result = await run(input)
        t.true(same(result, input.slice().sort()))
        t.like(result, { byteOffset: 0, byteLength: input.byteLength })
        const { buffer } = result
        t.is(Object.getPrototypeOf(buffer), ArrayBuffer.prototype)
        t.is(buffer.byteLength, input.byteLength)
        t.falsy(buffer.resizable)
        new Uint8Array(buffer).fill(7)
        t.true(
          new Uint8Array(result.buffer).every((byte) => byte === 7),
          'it is writable',
        )
      }
    })

    test(`${name}: a result of ${size} bytes is an input again`, async (t) => {
      const sorted = noise(size).sort()
      const result = await run(sorted)
      t.is(hashSync(result, hex), hashSync(sorted, hex))
      t.true(same(await run(result), sorted))
    })

    test(`${name}: a result of ${size} bytes is taken as an input again`, async (t) => {
      const sorted = noise(size).sort()
      const result = await run(sorted)
      t.true(same(await run(result, { transfer: true }), sorted))
      t.is(result.length, 0)
    })

    test(`${name}: a result of ${size} bytes is frozen`, async (t) => {
      const sorted = noise(size).sort()
      const result = await run(sorted)
      const frozen = freeze(result)
      t.is(result.length, 0)
      t.is(hashSync(frozen, hex), hashSync(sorted, hex))
      t.true(same(frozen.thaw(), sorted))
    })
  }

  test(`${name}: results outlive their inputs, their tasks and each other`, async (t) => {
    const results = []
    for (let round = 0; round < 40; round++)
      results.push(await run(new Uint8Array(round % 2 ? 200 * KiB : KiB).fill(round)))
    const kept = results.filter((_, round) => round % 3 === 0)
    results.length = 0
    for (let round = 0; round < 5; round++) {
      collectGarbage()
      await turn()
      // Memory that was freed would be used again for these.
      await run(new Uint8Array(200 * KiB).fill(0xff))
    }
    for (const [index, result] of kept.entries())
      t.true(
        result.every((byte) => byte === index * 3),
        `${index * 3}`,
      )
  })
}

test('results outlive their pool', async (t) => {
  const pool = new Pool({ threads: 1 })
  const results = await Promise.all([10, 200 * KiB].map((size) => sort(new Uint8Array(size).fill(5), { pool })))
  await pool.close()
  collectGarbage()
  for (const result of results) t.true(result.every((byte) => byte === 5))
})

test.serial('the garbage collector is told of their size', async (t) => {
  const { code, signal, stdout, stderr } = await runFixture('buffers-results-told', { flags: ['--expose-gc'] })
  t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
  const { held, left } = JSON.parse(stdout)
  t.true(held > 7.5 && held < 9, `8 results count as ${held}`)
  t.true(left < 1, `${left} results are left when all are dropped`)
})

const LARGE = isLong ? [500, 64 * MiB] : [48, 16 * MiB]
/** Form, rounds, size of a result. If all were kept, memory would grow by hundreds of MiB at least. */
const LOOPS = [
  ['sort', ...LARGE],
  ['sortAsync', ...LARGE],
  // As those of plain arrays are, they are freed although the event loop does not turn.
  ['sortSync', ...LARGE],
  ['sort', 10_000, 63 * KiB],
]
for (const [form, rounds, size] of LOOPS) {
  test.serial(`${form}: ${rounds} results of ${size} bytes leave memory flat`, async (t) => {
    if (isLong) t.timeout(30 * 60_000)
    const longest = isLong ? 30 * 60_000 : undefined
    const args = [form, rounds, size].map(String)
    const { code, signal, stdout, stderr } = await runFixture('buffers-results', {
      args,
      flags: ['--expose-gc'],
      longest,
    })
    t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
    const { growth, peak } = JSON.parse(stdout)
    t.log({ growthMiB: growth / MiB, peakMiB: peak / MiB })
    const all = rounds * size
    t.true(growth < all / 5, `${growth} of ${all} bytes are left`)
    // Without anybody who calls for it, the garbage is collected in time.
    t.true(peak < all * 0.6, `${peak} of ${all} bytes at the worst`)
  })
}
