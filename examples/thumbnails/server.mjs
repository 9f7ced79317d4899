// An Express server that makes thumbnails of what is uploaded, on heavy-load's threads.
//
//   node examples/thumbnails/server.mjs
//   curl localhost:3000/thumbnails?width=320 -H 'content-type: image/jpeg' --data-binary @photo.jpg -o thumbnail.webp
import { pathToFileURL } from 'node:url'
import express from 'express'
import { errorHandler, offload } from 'heavy-load/express'
import { imageInfo, resizeImage } from 'heavy-load/image'

export const app = express()

/** An upload has ten seconds, and each address an equal share: a flood from one does not keep the others out. */
const upload = { timeout: 10_000, key: (request) => request.ip }
const image = express.raw({ type: 'image/*', limit: '20mb' })
/** Enough for any camera; a small file that says that it is larger is refused before it is decoded. */
const LIMITS = { limitInputPixels: 50e6 }

app.post(
  '/thumbnails',
  image,
  offload(async (request, task, response) => {
    const { width = '320', fit } = request.query
    const options = { ...LIMITS, width: Number(width), height: fit === 'cover' ? Number(width) : undefined, fit }
    // The upload is handed over, not copied: nobody else needs it.
    const thumbnail = await resizeImage(request.body, { ...task, ...options, format: 'webp', transfer: true })
    return response.type('image/webp').send(thumbnail)
  }, upload),
)

app.post(
  '/info',
  image,
  offload((request, task) => imageInfo(request.body, { ...task, transfer: true }), upload),
)

app.get('/fast', (_request, response) => response.json('fast'))
app.use(errorHandler())

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const server = app.listen(process.env.PORT ?? 3000, () => console.log(`http://localhost:${server.address().port}`))
}
