// Every image of the corpus, beside sharp: what its header says, its pixels as they are, and scaled.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { imageInfoSync, resizeImageSync } from 'heavy-load/image'
import sharp from 'sharp'
import { difference, photo, pixels } from './helpers/images.mjs'

const folder = join(import.meta.dirname, '../corpus')
const names = readdirSync(folder).filter((name) => !name.endsWith('.mjs'))
const read = (name) => readFileSync(join(folder, name))
/** sharp leaves out what a frame does not cover, and converts CMYK by a profile of its own. */
const OUR_OWN = ['gif-offset.gif', 'jpeg-cmyk.jpg']
const ours = (image, options) => pixels(resizeImageSync(image, { format: 'png', ...options }))
const theirs = async (image, resize = (image) => image) =>
  pixels(await resize(sharp(image).autoOrient()).png().toBuffer())

test('the corpus is there', (t) => {
  t.true(names.length >= 45, `${names.length}`)
})

for (const name of names) {
  const image = read(name)

  test(`${name}: its header`, async (t) => {
    const { format, autoOrient, orientation = 1, hasAlpha } = await sharp(image).metadata()
    const { width, height } = autoOrient
    const expected = {
      format,
      width,
      height,
      orientation,
      hasAlpha: OUR_OWN.includes(name) ? /gif/.test(name) : hasAlpha,
    }
    t.deepEqual(imageInfoSync(image), expected)
  })

  if (OUR_OWN.includes(name)) continue

  test(`${name}: its pixels are those that sharp has`, async (t) => {
    const { mean, most } = difference(await theirs(image), await ours(image))
    t.is(most, 0, `mean ${mean}`)
  })

  test(`${name}: scaled, turned, cut out`, async (t) => {
    const [across, down] = [20, 15]
    const whole = await theirs(image)
    const aspect = whole.width / whole.height
    const inside = await ours(image, { width: across })
    t.deepEqual([inside.width, inside.height], [across, Math.round(across / aspect)])
    // sharp rounds the height of what it has shrunk.
    const scaled = await theirs(image, (image) => image.resize(inside.width, inside.height, { fit: 'fill' }))
    // Small images of hard edges: filters differ most there.
    t.true(difference(scaled, inside).mean < 4, `${difference(scaled, inside).mean}`)
    const stretched = await ours(image, { width: across, height: across, fit: 'fill' })
    const expected = await theirs(image, (image) => image.resize(across, across, { fit: 'fill' }))
    t.true(difference(expected, stretched).mean < 4, `${difference(expected, stretched).mean}`)
    const cut = await ours(image, { width: down, height: across, fit: 'cover' })
    t.deepEqual([cut.width, cut.height], [down, across])
  })
}

for (const name of names.filter((name) => name.startsWith('jpeg-'))) {
  test(`${name}: at an eighth and a quarter of its size it is what its pixels are`, async (t) => {
    const image = read(name)
    const png = resizeImageSync(image, { format: 'png' })
    const { width } = imageInfoSync(image)
    for (const by of [8, 4]) {
      const to = { width: Math.floor(width / by) }
      const { mean } = difference(await ours(png, to), await ours(image, to))
      // Of some 7 x 5 pixels, whose chroma is coarser still: the filters differ most there. Another image is 40 apart and more.
      t.true(mean < 10, `1/${by}: ${mean}`)
    }
  })
}

test('what a frame of a GIF does not cover is transparent', async (t) => {
  const { data, width } = await ours(read('gif-offset.gif'))
  const at = (x, y) => data[(y * width + x) * 4 + 3]
  t.deepEqual([at(0, 0), at(8, 5), at(9, 5), at(38, 24), at(39, 24), at(9, 25)], [0, 0, 255, 255, 0, 0])
})

test('CMYK is inks on white: near to what a profile makes of it', async (t) => {
  const image = read('jpeg-cmyk.jpg')
  t.true(difference(await theirs(image), await ours(image)).mean < 12)
})

test('a cover is the middle of what is scaled', async (t) => {
  // A red, a green and a blue third.
  const thirds = Buffer.alloc(90 * 20 * 3)
  for (let at = 0; at < 90 * 20; at++) thirds[at * 3 + Math.floor((at % 90) / 30)] = 255
  const image = await sharp(thirds, { raw: { width: 90, height: 20, channels: 3 } })
    .png()
    .toBuffer()
  const { data } = await ours(image, { width: 10, height: 10, fit: 'cover' })
  for (let at = 0; at < data.length; at += 4) t.deepEqual([...data.subarray(at, at + 4)], [0, 255, 0, 255])
})

test('colours beside what is transparent do not bleed', async (t) => {
  // White, and black that nobody can see.
  const raw = Buffer.alloc(64 * 64 * 4)
  for (let at = 0; at < 64 * 64; at++) if (at % 64 < 30) raw.fill(255, at * 4, at * 4 + 4)
  const image = await sharp(raw, { raw: { width: 64, height: 64, channels: 4 } })
    .png()
    .toBuffer()
  const { data } = await ours(image, { width: 13 })
  let partly = 0
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] > 3) t.true(data[at] > 240, `${data[at]}`)
    if (data[at + 3] > 3 && data[at + 3] < 252) partly++
  }
  t.true(partly > 0)
})

test('a photo of 12 megapixels to 320 pixels: the mean difference to sharp is below 3 of 255', async (t) => {
  const image = await photo(4000, 3000)
  for (const format of ['jpeg', 'png', 'webp']) {
    const expected = await pixels(await sharp(image).resize(320).toFormat(format).toBuffer())
    const got = await pixels(resizeImageSync(image, { width: 320, format }))
    const { mean } = difference(expected, got)
    t.true(mean < 3, `${format}: ${mean}`)
  }
})

for (const shrink of [1.5, 2, 3, 4, 6, 8, 20]) {
  test(`scaled to 1/${shrink}, each JPEG is what its PNG is`, async (t) => {
    const image = await photo(800, 600, { quality: 90, chromaSubsampling: shrink > 3 ? '4:2:0' : '4:4:4' })
    const png = await sharp(image).png().toBuffer()
    const width = Math.round(800 / shrink)
    const { mean } = difference(await ours(png, { width }), await ours(image, { width }))
    t.true(mean < 2, `${mean}`)
  })
}

test('every format that is written is read by sharp, with and without alpha, grey and in colour', async (t) => {
  for (const name of ['png-rgba-8.png', 'png-rgb-8.png', 'png-grey-8.png', 'png-grey-alpha-8.png']) {
    const image = read(name)
    for (const [format, most] of [
      ['jpeg', 6],
      ['png', 0],
      ['webp', 8],
    ]) {
      const expected = await pixels(await sharp(image).flatten({ background: '#000' }).png().toBuffer())
      const written = resizeImageSync(image, { format, quality: 95 })
      t.is((await sharp(written).metadata()).format, format)
      const got = await pixels(await sharp(written).flatten({ background: '#000' }).png().toBuffer())
      const { mean } = difference(expected, got)
      t.true(mean <= most, `${name} as ${format}: ${mean}`)
    }
  }
})

test('quality makes larger files, and nothing of metadata is left', async (t) => {
  const image = read('jpeg-larger.jpg')
  for (const format of ['jpeg', 'webp']) {
    const sizes = [20, 50, 80, 95].map((quality) => resizeImageSync(image, { format, quality }).length)
    t.deepEqual(
      sizes,
      [...sizes].sort((a, b) => a - b),
    )
    t.is(resizeImageSync(image, { format }).length, sizes[2])
  }
  const metadata = await sharp(resizeImageSync(read('jpeg-exif-6.jpg'), {})).metadata()
  t.is(metadata.exif, undefined)
  t.is(metadata.chromaSubsampling, '4:2:0')
})

/** A JPEG with bytes before each place in its scan where `isThere`. */
function withBytes(image, bytes, isThere) {
  const start = image.indexOf(Buffer.from([0xff, 0xda]))
  const scan = [...image.subarray(start, -2)]
  const longer = scan.flatMap((byte, at) => (isThere(byte, scan[at + 1]) ? [...bytes, byte] : [byte]))
  return Buffer.concat([image.subarray(0, start), Buffer.from(longer), image.subarray(-2)])
}

test('fill bytes and bytes too many before restart markers are none of the image', (t) => {
  const image = read('jpeg-restart.jpg')
  const isRestart = (byte, next) => byte === 0xff && next >= 0xd0 && next <= 0xd7
  for (const bytes of [[0xff, 0xff], [0], [0xff, 0]]) {
    const longer = withBytes(image, bytes, isRestart)
    t.true(longer.length > image.length)
    // At an eighth of its size, and larger.
    for (const width of [5, 40]) {
      t.deepEqual(resizeImageSync(longer, { width }), resizeImageSync(image, { width }), `${bytes}, ${width}`)
    }
  }
})

test('several 0xff before a stuffed zero are one, as in libjpeg', (t) => {
  const image = read('jpeg-larger.jpg')
  const longer = withBytes(image, [0xff, 0xff], (byte, next) => byte === 0xff && next === 0)
  t.true(longer.length > image.length)
  const { width } = imageInfoSync(image)
  for (const to of [width >> 4, width]) {
    t.deepEqual(resizeImageSync(longer, { width: to }), resizeImageSync(image, { width: to }), `${to}`)
  }
})
