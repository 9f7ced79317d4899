// An Express server whose routes run the kernels of kernels.c. Build them first: node build.mjs
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import express from 'express'
import { loadKernels } from 'heavy-load'
import { errorHandler, offload } from 'heavy-load/express'

const { countBytes, slug } = loadKernels(join(import.meta.dirname, 'kernels.node'))

export const app = express()

// curl localhost:3000/entropy --data-binary @file -H 'content-type: application/octet-stream'
app.post(
  '/entropy',
  express.raw({ type: () => true, limit: '100mb' }),
  offload(async (request, task) => {
    const counts = [...(await countBytes(request.body, { ...task, transfer: true }))].filter((count) => count > 0)
    const all = counts.reduce((sum, count) => sum + count, 0)
    return { bytes: all, bitsPerByte: -counts.reduce((sum, count) => sum + (count / all) * Math.log2(count / all), 0) }
  }),
)

// curl 'localhost:3000/slug?title=Hello,%20World'
app.get(
  '/slug',
  offload((request, task) => slug(request.query.title, task)),
)

app.use(errorHandler())

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const server = app.listen(process.env.PORT ?? 3000, () => console.log(`http://localhost:${server.address().port}`))
}
