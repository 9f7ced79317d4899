// heavy-load/image: images on the threads of heavy-load's pool.
import { freeze } from 'heavy-load'
import { QUALITY, readPhoto, thumbnails, WIDTH } from '../lib/photo.mjs'

export const strategy = {
  name: 'resize-image',
  job: 'thumbnails',
  title: 'resizeImage',
  summary:
    "heavy-load/image on a pool of Rust threads, as many as there are cores: neither the event loop nor libuv's threads wait, scaling is shared by all threads, and an image whose client has gone stops within 50 ms.",
  can: { parallel: true, progress: true, cancel: true, zeroCopy: true, otherMachines: false },
  async open() {
    const { resizeImage } = await import('heavy-load/image')
    // Read by all requests at once, and copied for none.
    const photo = freeze(await readPhoto())
    return thumbnails((task) => resizeImage(photo, { ...task, width: WIDTH, format: 'jpeg', quality: QUALITY }))
  },
}
