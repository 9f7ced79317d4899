// The package sharp: libvips on libuv's threads.
import { QUALITY, readPhoto, thumbnails, WIDTH } from '../lib/photo.mjs'

export const strategy = {
  name: 'sharp',
  job: 'thumbnails',
  title: "libuv's threads (sharp)",
  summary:
    "libvips on libuv's threads, of which there are four, for fs, dns and crypto, too. An image that has begun runs to its end; a request stops between two.",
  // On all cores where libvips has another allocator than glibc's: there sharp gives it more threads for each image.
  can: { parallel: false, progress: true, cancel: true, zeroCopy: true, otherMachines: false },
  async open() {
    const { default: sharp } = await import('sharp')
    // It would remember what it has done a moment ago.
    sharp.cache(false)
    const photo = await readPhoto()
    return thumbnails(() => sharp(photo).resize(WIDTH).jpeg({ quality: QUALITY }).toBuffer())
  },
}
