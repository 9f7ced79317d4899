// gate before another library that has threads of its own: sharp.
import test from 'ava'
import { heavyLoad } from 'heavy-load'
import sharp from 'sharp'
import { codeOf } from '../helpers/errors.mjs'
import { idle, openPool } from '../helpers/pool.mjs'
import { until } from '../helpers/turns.mjs'

const SIZE = 1500
const image = await sharp({
  create: {
    width: SIZE,
    height: SIZE,
    channels: 3,
    background: 'teal',
    noise: { type: 'gaussian', mean: 128, sigma: 30 },
  },
})
  .png({ compressionLevel: 0 })
  .toBuffer()

/** Resizes, and says when that begins and ends. */
function resizing() {
  const seen = { running: 0, most: 0, begun: 0, ended: 0 }
  const resize = async () => {
    seen.begun++
    seen.most = Math.max(seen.most, ++seen.running)
    try {
      return await sharp(image).resize(64, 64).png().toBuffer()
    } finally {
      seen.running--
      seen.ended++
    }
  }
  return { seen, resize }
}

test.serial(
  'of eight resizes at once two run, and a short task of a kernel waits for the first of those at most',
  async (t) => {
    const pool = openPool(t, { threads: 2 })
    const { seen, resize } = resizing()
    const gated = Array.from({ length: 8 }, () => pool.gate(resize))
    await until(() => seen.begun === 2)
    t.is(await heavyLoad(1000, { pool }), 1000)
    t.true(seen.begun <= 4, `${seen.begun} had begun`)
    t.true(seen.ended <= 2, `${seen.ended} had ended`)
    for (const bytes of await Promise.all(gated)) t.is((await sharp(bytes).metadata()).width, 64)
    t.is(seen.most, 2)
    await idle(pool)
    t.is(pool.stats().completed, 9)
  },
)

test.serial("an aborted one frees its place when sharp's promise settles", async (t) => {
  const pool = openPool(t, { threads: 1 })
  const { seen, resize } = resizing()
  const controller = new AbortController()
  const gated = pool.gate(resize, { signal: controller.signal })
  await until(() => seen.begun === 1)
  controller.abort()
  t.is(await codeOf(gated), 'ABORT_ERR')
  t.is(pool.stats().running, 1)
  const next = pool.gate(resize)
  t.is(seen.ended, 0)
  await next
  t.deepEqual([seen.most, seen.ended], [1, 2])
})
