// Images as pixels, how far two of them are apart, and images that are made.
import sharp from 'sharp'

/** The pixels of an encoded image, as RGBA. */
export async function pixels(image) {
  const { data, info } = await sharp(image)
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height }
}

/** The mean and the largest difference of two images' channels, 0..255; of colours by as much as can be seen of them. */
export function difference(one, other) {
  if (one.width !== other.width || one.height !== other.height) {
    throw new Error(`${one.width} x ${one.height} is not ${other.width} x ${other.height}`)
  }
  let [sum, most] = [0, 0]
  for (let at = 0; at < one.data.length; at++) {
    const seen = (at & 3) === 3 ? 1 : one.data[at | 3] / 255
    const apart = Math.abs(one.data[at] - other.data[at]) * seen
    sum += apart
    most = Math.max(most, apart)
  }
  return { mean: sum / one.data.length, most }
}

/** Numbers from 0 to 1, the same ones for the same seed (a linear congruential generator, as in Numerical Recipes). */
export function random(seed) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** A JPEG like a photo: smooth parts, edges, and grain. */
export async function photo(width, height, options = { quality: 85 }) {
  const next = random(1)
  const waves = Array.from({ length: 12 }, (_, index) => {
    const frequency = () => ((next() - 0.5) * 1.8 ** index * 8) / width
    return { x: frequency(), y: frequency(), phase: next() * 6, height: 55 / 1.3 ** index, channel: index % 3 }
  })
  const raw = Buffer.alloc(width * height * 3)
  const colour = [0, 0, 0]
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      colour.fill(120)
      for (const wave of waves) {
        const value = wave.height * Math.sin(x * wave.x + y * wave.y + wave.phase)
        colour[wave.channel] += value
        colour[(wave.channel + 1) % 3] += value * 0.6
      }
      const edge = ((x >> 7) + (y >> 6)) % 7 === 0 ? 25 : 0
      const grain = (next() - 0.5) * 14
      for (let channel = 0; channel < 3; channel++) {
        raw[at++] = Math.max(0, Math.min(255, colour[channel] + edge + grain))
      }
    }
  }
  return sharp(raw, { raw: { width, height, channels: 3 } })
    .jpeg(options)
    .toBuffer()
}
