// The package jimp: images in JavaScript, on the event loop.
import { QUALITY, readPhoto, thumbnails, WIDTH } from '../lib/photo.mjs'

export const strategy = {
  name: 'jimp',
  job: 'thumbnails',
  title: 'JavaScript (jimp)',
  summary:
    'Decoder, scaling and encoder in JavaScript on the event loop: everybody else waits until an image is done, and a request stops between two.',
  can: { parallel: false, progress: true, cancel: true, zeroCopy: false, otherMachines: false },
  async open() {
    const { Jimp } = await import('jimp')
    const photo = await readPhoto()
    return thumbnails(async () => {
      const image = await Jimp.fromBuffer(photo)
      return image.resize({ w: WIDTH }).getBuffer('image/jpeg', { quality: QUALITY })
    })
  },
}
