// Makes the corpus anew: small images in many modes, by ImageMagick and libwebp's own tools.
//   apt-get install imagemagick libjpeg-turbo-progs webp
//   node packs/image/corpus/make.mjs
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from './crc32.mjs'

const folder = import.meta.dirname
const scratch = mkdtempSync(join(tmpdir(), 'corpus-'))
const at = (name) => join(scratch, name)
const to = (name) => join(folder, name)
const convert = (...args) => execFileSync('convert', args, { stdio: 'inherit' })

// A sky, a hill, a sun that is not in the middle: no two corners are alike.
const [width, height] = [61, 45]
const size = ['-size', `${width}x${height}`]
convert(
  '-seed',
  '7',
  ...size,
  'plasma:tomato-steelblue',
  '-fill',
  'gold',
  '-draw',
  'circle 14,12 14,6',
  '-fill',
  'darkgreen',
  '-draw',
  'polygon 20,44 60,20 60,44',
  at('base.png'),
)
convert(
  at('base.png'),
  '(',
  ...size,
  'radial-gradient:white-black',
  ')',
  '-alpha',
  'off',
  '-compose',
  'CopyOpacity',
  '-composite',
  at('alpha.png'),
)
const base = at('base.png')
const alpha = at('alpha.png')

const quality = ['-strip', '-quality', '85']
convert(base, ...quality, '-sampling-factor', '4:2:0', to('jpeg-420.jpg'))
convert(base, ...quality, '-sampling-factor', '4:2:2', to('jpeg-422.jpg'))
convert(base, ...quality, '-sampling-factor', '4:4:0', to('jpeg-440.jpg'))
convert(base, ...quality, '-sampling-factor', '4:1:1', to('jpeg-411.jpg'))
convert(base, ...quality, '-sampling-factor', '4:4:4', to('jpeg-444.jpg'))
convert(base, ...quality, '-sampling-factor', '4:2:0', '-interlace', 'JPEG', to('jpeg-progressive.jpg'))
convert(base, ...quality, '-sampling-factor', '4:4:4', '-interlace', 'JPEG', to('jpeg-progressive-444.jpg'))
convert(base, ...quality, '-colorspace', 'Gray', to('jpeg-grey.jpg'))
convert(base, ...quality, '-colorspace', 'Gray', '-interlace', 'JPEG', to('jpeg-grey-progressive.jpg'))
convert(base, ...quality, '-colorspace', 'CMYK', to('jpeg-cmyk.jpg'))
convert(base, ...quality, '-define', 'jpeg:optimize-coding=false', '-resize', '400x295!', to('jpeg-larger.jpg'))
// With a restart after each row of blocks, and after every three.
convert(base, at('base.ppm'))
for (const [name, every] of [
  ['jpeg-restart.jpg', '1'],
  ['jpeg-restart-3.jpg', '3B'],
]) {
  execFileSync('cjpeg', ['-quality', '85', '-restart', every, '-outfile', to(name), at('base.ppm')])
}
const plain = readFileSync(to('jpeg-420.jpg'))
for (let orientation = 1; orientation <= 8; orientation++) {
  const exif = exifOf(orientation, orientation % 2 === 0)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(exif.length + 8)
  const segment = Buffer.concat([Buffer.from([0xff, 0xe1]), length, Buffer.from('Exif\0\0'), exif])
  writeFileSync(to(`jpeg-exif-${orientation}.jpg`), Buffer.concat([plain.subarray(0, 2), segment, plain.subarray(2)]))
}

// Without the time at which they were made, so that they are the same each time.
const png = (from, name, type, depth, ...more) =>
  convert(
    from,
    '-strip',
    ...more,
    '-define',
    'png:exclude-chunks=date,time',
    '-define',
    `png:color-type=${type}`,
    '-define',
    `png:bit-depth=${depth}`,
    to(name),
  )
for (const depth of [2, 4, 8, 16]) png(base, `png-grey-${depth}.png`, 0, depth, '-colorspace', 'Gray')
png(base, 'png-grey-1.png', 0, 1, '-colorspace', 'Gray', '-threshold', '40%')
png(base, 'png-rgb-8.png', 2, 8)
png(base, 'png-rgb-16.png', 2, 16)
for (const depth of [2, 4, 8]) png(base, `png-palette-${depth}.png`, 3, depth, '-colors', String(2 ** depth))
png(alpha, 'png-palette-trns.png', 3, 8, '-channel', 'A', '-threshold', '50%', '+channel', '-colors', '100')
png(alpha, 'png-grey-alpha-8.png', 4, 8, '-colorspace', 'Gray')
png(alpha, 'png-grey-alpha-16.png', 4, 16, '-colorspace', 'Gray')
png(alpha, 'png-rgba-8.png', 6, 8)
png(alpha, 'png-rgba-16.png', 6, 16)
png(base, 'png-interlaced.png', 2, 8, '-interlace', 'PNG')
png(alpha, 'png-interlaced-alpha.png', 6, 8, '-interlace', 'PNG')
png(base, 'png-interlaced-grey-1.png', 0, 1, '-colorspace', 'Gray', '-threshold', '40%', '-interlace', 'PNG')
const rgb = readFileSync(to('png-rgb-8.png'))
const gold = Buffer.from([0, 255, 0, 215, 0, 0])
// After the signature and IHDR.
writeFileSync(to('png-rgb-trns.png'), Buffer.concat([rgb.subarray(0, 33), chunk('tRNS', gold), rgb.subarray(33)]))
writeFileSync(
  to('png-exif-6.png'),
  Buffer.concat([rgb.subarray(0, 33), chunk('eXIf', exifOf(6, false)), rgb.subarray(33)]),
)

const cwebp = (...args) => execFileSync('cwebp', ['-quiet', ...args])
cwebp('-q', '85', base, '-o', to('webp-lossy.webp'))
cwebp('-lossless', base, '-o', to('webp-lossless.webp'))
cwebp('-q', '85', alpha, '-o', to('webp-lossy-alpha.webp'))
cwebp('-lossless', alpha, '-o', to('webp-lossless-alpha.webp'))
writeFileSync(at('exif'), exifOf(8, true))
execFileSync('webpmux', ['-set', 'exif', at('exif'), to('webp-lossy.webp'), '-o', to('webp-exif-8.webp')])

convert(base, '-strip', to('gif-plain.gif'))
convert(base, '-strip', '-interlace', 'GIF', to('gif-interlaced.gif'))
convert(alpha, '-strip', '-channel', 'A', '-threshold', '50%', '+channel', to('gif-transparent.gif'))
convert(
  base,
  '(',
  '+clone',
  '-negate',
  ')',
  '(',
  '+clone',
  '-flip',
  ')',
  '-strip',
  '-set',
  'delay',
  '10',
  '-loop',
  '0',
  to('gif-animated.gif'),
)
convert(base, '-crop', '30x20+9+5', to('gif-offset.gif'))
execFileSync('gif2webp', ['-quiet', '-q', '80', to('gif-animated.gif'), '-o', to('webp-animated.webp')])
execFileSync('gif2webp', ['-quiet', '-lossy', '-q', '80', to('gif-transparent.gif'), '-o', to('webp-of-gif.webp')])
rmSync(scratch, { recursive: true })

/** EXIF that says an orientation and nothing else. */
function exifOf(orientation, little) {
  const exif = Buffer.alloc(26)
  const [write16, write32] = little ? ['writeUInt16LE', 'writeUInt32LE'] : ['writeUInt16BE', 'writeUInt32BE']
  exif.write(little ? 'II' : 'MM')
  exif[write16](42, 2)
  exif[write32](8, 4)
  exif[write16](1, 8)
  exif[write16](0x0112, 10)
  exif[write16](3, 12)
  exif[write32](1, 14)
  exif[write16](orientation, 18)
  return exif
}

/** A PNG's chunk. */
function chunk(name, content) {
  const body = Buffer.concat([Buffer.from(name), content])
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(content.length)
  check.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, check])
}
