// What is broken, cut off or hostile ends as ERR_INVALID_DATA, or as the guard's code; and the process goes on.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import test from 'ava'
import { Pool } from 'heavy-load'
import { imageInfoSync, resizeImage, resizeImageSync } from 'heavy-load/image'
import sharp from 'sharp'
import { crc32 } from '../corpus/crc32.mjs'
import { random } from './helpers/images.mjs'

const folder = join(import.meta.dirname, '../corpus')
const names = readdirSync(folder).filter((name) => !name.endsWith('.mjs'))
const read = (name) => readFileSync(join(folder, name))

/** 'ok', or the error's code. */
function outcome(call) {
  try {
    call()
    return 'ok'
  } catch (error) {
    return error.code
  }
}

for (const name of names) {
  test(`${name}: cut off anywhere, it is refused where sharp refuses it`, async (t) => {
    const image = read(name)
    const cuts = Array.from({ length: 50 }, (_, index) => Math.floor((image.length * index) / 50))
    for (let end = 1; end <= 16; end++) cuts.push(image.length - end)
    for (const length of cuts) {
      const part = image.subarray(0, length)
      const got = outcome(() => resizeImageSync(part, { width: 20 }))
      if (got === 'ok') {
        // What stands behind a GIF's first frame is not looked at.
        const isTaken = await sharp(part)
          .resize(20)
          .toBuffer()
          .then(
            () => true,
            () => false,
          )
        t.true(isTaken || name.startsWith('gif'), `${length} of ${image.length}`)
      } else {
        t.is(got, 'ERR_INVALID_DATA', `${length} of ${image.length}`)
      }
      t.true(['ok', 'ERR_INVALID_DATA'].includes(outcome(() => imageInfoSync(part))))
    }
    t.is(
      outcome(() => resizeImageSync(image.subarray(0, image.length >> 1), {})),
      name === 'gif-animated.gif' ? 'ok' : 'ERR_INVALID_DATA',
    )
  })

  test(`${name}: with bits flipped, it is read or refused`, (t) => {
    const next = random(names.indexOf(name) + 1)
    const image = read(name)
    for (let round = 0; round < 100; round++) {
      const flipped = Buffer.from(image)
      for (let flips = 1 + Math.floor(next() * 4); flips > 0; flips--) {
        flipped[Math.floor(next() * image.length)] ^= 1 << Math.floor(next() * 8)
      }
      const got = outcome(() => resizeImageSync(flipped, { width: 20, limitInputPixels: 1e6 }))
      t.true(['ok', 'ERR_INVALID_DATA', 'ERR_OUTPUT_TOO_LARGE'].includes(got), got)
      t.true(['ok', 'ERR_INVALID_DATA'].includes(outcome(() => imageInfoSync(flipped))))
    }
  })
}

test('what is no image is refused', (t) => {
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.from('hello'),
    Buffer.alloc(1000, 0xff),
    Buffer.from('GIF89a'),
    Buffer.from('<svg/>'),
  ]) {
    t.is(
      outcome(() => resizeImageSync(bytes, {})),
      'ERR_INVALID_DATA',
    )
    t.is(
      outcome(() => imageInfoSync(bytes)),
      'ERR_INVALID_DATA',
    )
  }
})

// No pixel depends on what an encoder leaves behind the last block: jpeg-js writes a byte too many at times.
for (const name of ['jpeg-420.jpg', 'jpeg-444.jpg', 'jpeg-grey.jpg', 'jpeg-larger.jpg', 'jpeg-restart.jpg']) {
  test(`${name}: what stands before its end is not looked at, but the end is`, async (t) => {
    const image = read(name)
    const [content, end] = [image.subarray(0, -2), image.subarray(-2)]
    const scan = content.subarray(content.lastIndexOf(Buffer.from([0xff, 0xda])))
    const left = {
      'a stuffed byte': Buffer.from([0xff, 0]),
      'a zero': Buffer.alloc(1),
      zeros: Buffer.alloc(20),
      'many bytes': Buffer.alloc(1000, 0x5a),
      'fill bytes': Buffer.alloc(3, 0xff),
      'a restart': Buffer.from([0xff, 0xd0]),
      'a comment': Buffer.from([0xff, 0xfe, 0, 4, 65, 66]),
      'a comment that goes on past the end': Buffer.from([0xff, 0xfe, 0xff, 0xff]),
      'a marker that is none': Buffer.from([0xff, 0x05]),
      'a table that is none': Buffer.from([0xff, 0xc4, 0, 3, 9]),
      'its scan again': scan,
      'another image': image,
    }
    // At an eighth of its size, and larger: there are two decoders.
    for (const width of [Math.ceil(imageInfoSync(image).width / 16), 60]) {
      const expected = resizeImageSync(image, { width })
      for (const [what, bytes] of Object.entries(left)) {
        const got = Buffer.concat([content, bytes, end])
        await t.notThrowsAsync(sharp(got).resize(width).toBuffer(), what)
        t.deepEqual(resizeImageSync(got, { width }), expected, `${what}, ${width}`)
        const open = Buffer.concat([content, bytes])
        const ends = what === 'another image'
        t.is(
          outcome(() => resizeImageSync(open, { width })),
          ends ? 'ok' : 'ERR_INVALID_DATA',
          `${what}, ${width}, without an end`,
        )
      }
    }
  })
}

test('a broken image says what is wrong with it', (t) => {
  const messages = ['jpeg-420.jpg', 'png-rgb-8.png', 'webp-lossy.webp', 'gif-plain.gif'].map((name) => {
    const image = read(name)
    return t.throws(() => resizeImageSync(image.subarray(0, image.length - 200), {})).message
  })
  t.regex(messages[0], /^The JPEG image cannot be read: it is cut off$/)
  const image = read('jpeg-420.jpg')
  const odd = Buffer.concat([image.subarray(0, 2), Buffer.from([0xff, 0]), image.subarray(2)])
  t.throws(() => resizeImageSync(odd, {}), {
    message: 'The JPEG image cannot be read: Corrupt JPEG data: 2 extraneous bytes before marker 0xe0',
  })
  for (const message of messages) t.regex(message, /^The (JPEG|PNG|WebP|GIF) image cannot be read: ./)
})

/** A PNG of so many pixels, all of them black, and its data cut off. */
function bombOf(width, height, rows) {
  const chunk = (name, content) => {
    const body = Buffer.concat([Buffer.from(name), content])
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
    length.writeUInt32BE(content.length)
    check.writeUInt32BE(crc32(body))
    return Buffer.concat([length, body, check])
  }
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0])
  header.writeUInt32BE(width)
  header.writeUInt32BE(height, 4)
  const data = deflateSync(Buffer.alloc((width * 3 + 1) * rows))
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))])
}

test('more pixels than the limit are refused before any is decoded', (t) => {
  const bomb = bombOf(60_000, 60_000, 1)
  t.is(
    outcome(() => resizeImageSync(bomb, { width: 10 })),
    'ERR_OUTPUT_TOO_LARGE',
  )
  t.deepEqual(imageInfoSync(bomb), { format: 'png', width: 60_000, height: 60_000, orientation: 1, hasAlpha: false })
  const image = read('png-rgb-8.png')
  t.is(
    outcome(() => resizeImageSync(image, { limitInputPixels: 61 * 45 })),
    'ok',
  )
  t.is(
    outcome(() => resizeImageSync(image, { limitInputPixels: 61 * 45 - 1 })),
    'ERR_OUTPUT_TOO_LARGE',
  )
})

test('sides that no other format has are refused before any is decoded', (t) => {
  for (const [width, height] of [
    [131_073, 1],
    [1, 131_073],
  ]) {
    const image = bombOf(width, height, height)
    t.is(
      outcome(() => resizeImageSync(image, { width: 10 })),
      'ERR_OUTPUT_TOO_LARGE',
    )
    t.like(imageInfoSync(image), { width, height })
  }
  const widest = bombOf(131_072, 2, 2)
  t.is(
    outcome(() => resizeImageSync(widest, { width: 10 })),
    'ok',
  )
  // It would be 262,144 x 4.
  t.is(
    outcome(() => resizeImageSync(widest, { height: 4, enlarge: true })),
    'ERR_OUTPUT_TOO_LARGE',
  )
})

test('a header of many pixels takes no memory that its data does not fill', (t) => {
  const before = process.memoryUsage.rss()
  // 268 megapixels, as many as are allowed, of which there is one row.
  t.is(
    outcome(() => resizeImageSync(bombOf(16_383, 16_383, 1), { width: 10 })),
    'ERR_INVALID_DATA',
  )
  t.true(process.memoryUsage.rss() - before < 100 << 20, `${process.memoryUsage.rss() - before}`)
})

test('an output that its format cannot hold is refused', (t) => {
  const wide = bombOf(20_000, 1, 1)
  t.is(
    outcome(() => resizeImageSync(wide, { format: 'webp' })),
    'ERR_OUTPUT_TOO_LARGE',
  )
  t.is(
    outcome(() => resizeImageSync(wide, { format: 'png' })),
    'ok',
  )
  t.is(
    outcome(() => resizeImageSync(bombOf(66_000, 1, 1), { format: 'jpeg' })),
    'ERR_OUTPUT_TOO_LARGE',
  )
  t.is(
    outcome(() => resizeImageSync(wide, { width: 65_535, height: 65_535, fit: 'fill', enlarge: true })),
    'ERR_OUTPUT_TOO_LARGE',
  )
})

test('a progressive JPEG of more scans than make sense is refused', async (t) => {
  const image = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'gray' } })
    .jpeg({ progressive: true })
    .toBuffer()
  // Its last scan, again and again.
  const last = image.lastIndexOf(Buffer.from([0xff, 0xda]))
  const scan = image.subarray(last, image.length - 2)
  const refine = (times) => Buffer.concat([image.subarray(0, last), ...Array(times).fill(scan), image.subarray(-2)])
  t.is(
    outcome(() => resizeImageSync(refine(1), {})),
    'ok',
  )
  t.is(
    outcome(() => resizeImageSync(refine(10_000), {})),
    'ERR_INVALID_DATA',
  )
})

test('after all of that a pool serves on', async (t) => {
  const pool = new Pool({ threads: 2, niceness: 0 })
  t.teardown(() => pool.close({ force: true }))
  const image = read('jpeg-420.jpg')
  const calls = Array.from({ length: 100 }, (_, index) => {
    const call = resizeImage(index % 2 === 0 ? image : image.subarray(0, 5 * index), { width: 20, pool })
    return call.then(
      () => 'ok',
      (error) => error.code,
    )
  })
  const outcomes = await Promise.all(calls)
  for (const [index, got] of outcomes.entries()) t.is(got, index % 2 === 0 ? 'ok' : 'ERR_INVALID_DATA')
})
