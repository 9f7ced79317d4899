// heavy-load/image beside sharp: 2 threads each.
//
//   npm run setup -- --packs && node benchmark/kernels/image.mjs
import assert from 'node:assert/strict'
import { difference, photo, pixels } from '../../packs/image/__test__/helpers/images.mjs'
import { inFlight, race } from './race.mjs'

// Read once, when the first work begins.
process.env.UV_THREADPOOL_SIZE = '2'
const { default: sharp } = await import('sharp')
const { Pool } = await import('heavy-load')
const { imageInfo, imageInfoSync, resizeImage } = await import('heavy-load/image')

sharp.concurrency(2)
// It would remember what it has done a moment ago.
sharp.cache(false)
const pool = new Pool({ threads: 2, niceness: 0 })
const [width, height] = [4000, 3000]
const jpeg = await photo(width, height)
const inputs = {
  'a 12-megapixel JPEG': jpeg,
  'a progressive one': await sharp(jpeg).jpeg({ progressive: true, quality: 85 }).toBuffer(),
  'a 12-megapixel PNG': await sharp(jpeg).png().toBuffer(),
  'a 12-megapixel WebP': await sharp(jpeg).webp().toBuffer(),
}

/** The same image, as near as two encoders come. */
async function check(results, expected) {
  for (const result of results) {
    const { mean } = difference(expected, await pixels(result))
    assert(mean < 3, `the mean difference is ${mean}`)
  }
}

const COUNT = 8
for (const [what, input] of Object.entries(inputs)) {
  const expected = await pixels(await sharp(input).resize(320).png().toBuffer())
  const medians = await race(
    `${what} (${(input.length / 2 ** 20).toFixed(1)} MiB) to a JPEG 320 wide, ${COUNT} in flight`,
    {
      'heavy-load': () => inFlight(COUNT, () => resizeImage(input, { width: 320, format: 'jpeg', pool })),
      sharp: () => inFlight(COUNT, () => sharp(input).resize(320).jpeg().toBuffer()),
    },
    { check: (results) => check(results, expected) },
  )
  for (const [name, median] of Object.entries(medians)) {
    console.log(`  ${name.padEnd(36)} ${((COUNT / median) * 1000).toFixed(1).padStart(10)} images/s`)
  }
}

for (const [what, to] of [
  ['960 wide', { width: 960 }],
  ['its own size', {}],
]) {
  await race(`a 12-megapixel JPEG to ${what}, 4 in flight`, {
    'heavy-load': () => inFlight(4, () => resizeImage(jpeg, { ...to, pool })),
    sharp: () => inFlight(4, () => sharp(jpeg).resize(to).jpeg().toBuffer()),
  })
}

const said = ({ format, width, height, hasAlpha }) => ({ format, width, height, hasAlpha })
await race(
  'the header of a JPEG, 100 in flight',
  {
    'imageInfo on a pool': () => inFlight(100, () => imageInfo(jpeg, { pool })),
    imageInfoSync: () => Promise.resolve(Array.from({ length: 100 }, () => imageInfoSync(jpeg))),
    'sharp().metadata()': () => inFlight(100, () => sharp(jpeg).metadata()),
  },
  {
    check: (results) => {
      for (const result of results) assert.deepEqual(said(result), { format: 'jpeg', width, height, hasAlpha: false })
    },
  },
)
await pool.close()
