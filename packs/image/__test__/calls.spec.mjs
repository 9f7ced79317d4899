// What is taken and refused, by every hand-over, in all forms; and that calls stop.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { freeze } from 'heavy-load'
import {
  imageInfo,
  imageInfoAsync,
  imageInfoSync,
  resizeImage,
  resizeImageAsync,
  resizeImageSync,
} from 'heavy-load/image'
import sharp from 'sharp'
import { idle, openPool, outcome } from '../../../__test__/helpers/pool.mjs'
import { photo } from './helpers/images.mjs'

const image = readFileSync(join(import.meta.dirname, '../corpus/jpeg-larger.jpg'))
const FORMS = [
  [resizeImage, imageInfo],
  [resizeImageSync, imageInfoSync],
  [resizeImageAsync, imageInfoAsync],
]
const expected = resizeImageSync(image, { width: 50 })
const info = { format: 'jpeg', width: 400, height: 295, orientation: 1, hasAlpha: false }

for (const [resize, inform] of FORMS) {
  test(`${resize.name} and ${inform.name}: by every hand-over`, async (t) => {
    const copy = () => Uint8Array.from(image)
    const shared = new Uint8Array(new SharedArrayBuffer(image.length))
    shared.set(image)
    for (const input of [
      image,
      copy(),
      copy().buffer,
      new DataView(copy().buffer),
      shared,
      shared.buffer,
      freeze(copy()),
    ]) {
      t.deepEqual(await resize(input, { width: 50 }), expected)
      t.deepEqual(await inform(input), info)
    }
    for (const [call, result] of [
      [(input) => resize(input, { width: 50, transfer: true }), expected],
      [(input) => inform(input, { transfer: true }), info],
    ]) {
      const moved = copy()
      t.deepEqual(await call(moved), result)
      t.is(moved.length, 0)
    }
  })
}

test('arguments that cannot be used are refused', async (t) => {
  const refused = (options, code) => t.throwsAsync(resizeImage(image, options), { code }, JSON.stringify(options))
  for (const name of ['width', 'height', 'quality', 'limitInputPixels']) {
    await refused({ [name]: '1' }, 'ERR_INVALID_ARG_TYPE')
    for (const value of [0, 0.5, -1, NaN, Infinity]) await refused({ [name]: value }, 'ERR_OUT_OF_RANGE')
  }
  await refused({ width: 65_536 }, 'ERR_OUT_OF_RANGE')
  await refused({ quality: 101 }, 'ERR_OUT_OF_RANGE')
  for (const name of ['fit', 'format']) {
    await refused({ [name]: 1 }, 'ERR_INVALID_ARG_TYPE')
    await refused({ [name]: 'gif' }, 'ERR_INVALID_ARG_VALUE')
  }
  await refused({ enlarge: 1 }, 'ERR_INVALID_ARG_TYPE')
  for (const input of [undefined, null, 'image.jpg', 1, {}, [1]]) {
    await t.throwsAsync(resizeImage(input, {}), { code: 'ERR_INVALID_ARG_TYPE' })
    await t.throwsAsync(imageInfo(input), { code: 'ERR_INVALID_ARG_TYPE' })
  }
})

test('the format is that of the input, and PNG for a GIF', async (t) => {
  for (const [name, format] of Object.entries({
    'jpeg-420.jpg': 'jpeg',
    'png-rgb-8.png': 'png',
    'webp-lossy.webp': 'webp',
    'gif-plain.gif': 'png',
  })) {
    const bytes = readFileSync(join(import.meta.dirname, '../corpus', name))
    t.is(imageInfoSync(await resizeImage(bytes, { width: 10 })).format, format)
  }
})

test('sizes: one side, both, never larger unless that is wanted', (t) => {
  const size = (options) => {
    const { width, height } = imageInfoSync(resizeImageSync(image, options))
    return [width, height]
  }
  t.deepEqual(size({}), [400, 295])
  t.deepEqual(size({ width: 100 }), [100, 74])
  t.deepEqual(size({ height: 100 }), [136, 100])
  t.deepEqual(size({ width: 100, height: 100 }), [100, 74])
  t.deepEqual(size({ width: 100, height: 100, fit: 'cover' }), [100, 100])
  t.deepEqual(size({ width: 100, height: 10, fit: 'fill' }), [100, 10])
  t.deepEqual(size({ width: 1000 }), [400, 295])
  t.deepEqual(size({ width: 1000, enlarge: true }), [1000, 738])
  t.deepEqual(size({ width: 1, height: 1, fit: 'cover' }), [1, 1])
})

const large = {
  'a baseline JPEG': () => photo(3000, 2000),
  'a progressive JPEG': () => photo(3000, 2000, { progressive: true }),
  'a PNG': async () =>
    sharp(await photo(3000, 2000))
      .png({ compressionLevel: 1 })
      .toBuffer(),
  'a WebP': async () =>
    sharp(await photo(3000, 2000))
      .webp({ effort: 0 })
      .toBuffer(),
}

for (const [what, make] of Object.entries(large)) {
  test(`${what} of 6 megapixels: its progress rises, and an abort frees the thread`, async (t) => {
    const input = await make()
    const pool = openPool(t, { threads: 1 })
    const shares = []
    const options = { format: 'png', width: 2000, pool }
    t.true(Buffer.isBuffer(await resizeImage(input, { ...options, onProgress: (share) => shares.push(share) })))
    t.deepEqual(
      shares,
      [...shares].sort((a, b) => a - b),
    )
    t.true(
      shares.some((share) => share > 0 && share < 1),
      `${shares}`,
    )
    const controller = new AbortController()
    let last = 0
    const aborted = resizeImage(input, {
      ...options,
      signal: controller.signal,
      onProgress: (share) => {
        last = share
        controller.abort()
      },
    })
    t.is(await outcome(aborted), 'ABORT_ERR')
    await idle(pool)
    t.true(last < 1)
    t.is(pool.stats().completed, 1)
    t.deepEqual(await imageInfo(image, { pool }), info)
  })
}

test('many at once through a pool', async (t) => {
  const pool = openPool(t, { threads: 2 })
  let count = 0
  for await (const { value } of pool.map(resizeImage, Array(200).fill(image), { width: 50 })) {
    t.deepEqual(value, expected)
    count++
  }
  t.is(count, 200)
})
