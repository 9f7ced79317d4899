// An Express server that compresses uploads, and decompresses them, on heavy-load's threads.
//
//   node examples/compress/server.mjs
//   curl localhost:3000/compress?format=zstd --data-binary @big.log -H 'content-type: application/octet-stream' -o big.log.zst
//   curl localhost:3000/decompress?format=zstd --data-binary @big.log.zst -H 'content-type: application/octet-stream' -o big.log
import { pathToFileURL } from 'node:url'
import express from 'express'
import { compress, decompress } from 'heavy-load/compression'
import { errorHandler, offload } from 'heavy-load/express'

/** Most bytes of an upload, and of what one may decompress to. */
const LARGEST = 64 * 2 ** 20

const TYPES = {
  gzip: 'application/gzip',
  deflate: 'application/zlib',
  zstd: 'application/zstd',
  brotli: 'application/octet-stream',
}

export const app = express()
const upload = express.raw({ type: () => true, limit: LARGEST, inflate: false })

/** A request has ten seconds, and each address an equal share. Who goes away, whose work stops. */
const limits = { timeout: 10_000, key: (request) => request.ip }

app.post(
  '/compress',
  upload,
  offload(async (request, task, response) => {
    const { format = 'gzip', level } = request.query
    // The upload is of no use any more: it is moved, not copied.
    const options = { ...task, format, level: level === undefined ? undefined : Number(level), transfer: true }
    const compressed = await compress(bodyOf(request), options)
    return response.type(TYPES[format]).send(compressed)
  }, limits),
)

app.post(
  '/decompress',
  upload,
  offload(async (request, task, response) => {
    const { format = 'gzip' } = request.query
    const options = { ...task, format, maxOutputLength: LARGEST, transfer: true }
    const data = await decompress(bodyOf(request), options)
    return response.type('application/octet-stream').send(data)
  }, limits),
)

app.get('/fast', (_request, response) => response.json('fast'))
app.use(errorHandler())

/** What was uploaded; express leaves out a body that is not there. */
function bodyOf({ body }) {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0)
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const server = app.listen(process.env.PORT ?? 3000, () => console.log(`http://localhost:${server.address().port}`))
}
