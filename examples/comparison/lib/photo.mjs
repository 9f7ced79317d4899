// What all strategies of the job `thumbnails` make smaller: the same photo, to the same size, format and quality.
import { readFile } from 'node:fs/promises'
import { inTurn } from './in-turn.mjs'

export const WIDTH = 320
/** The default of sharp and heavy-load; jimp's is 100. JPEG, because jimp has no WebP. */
export const QUALITY = 80

export function readPhoto() {
  return readFile(new URL('../photo/photo.jpg', import.meta.url))
}

/** What open() gives, of how a package makes the thumbnail: a JPEG in a Buffer. */
export function thumbnails(thumbnail) {
  return { thumbnail, run: inTurn(thumbnail), async close() {} }
}
