// An Express server that searches vectors: they are frozen once, and every request reads them without a copy.
//
//   node examples/search/server.mjs
//   curl 'localhost:3000/search?like=42&k=5'
import { pathToFileURL } from 'node:url'
import express from 'express'
import { freeze } from 'heavy-load'
import { topK } from 'heavy-load/data'
import { errorHandler, offload } from 'heavy-load/express'

const ROWS = 20_000
const DIMENSIONS = 384

/** In place of embeddings: the same numbers each time, from -1 to 1. */
const numbers = Float32Array.from(
  { length: ROWS * DIMENSIONS },
  (_, at) => Math.fround(Math.sin(at * 12.9898) * 43758.5453) % 1,
)
/** Where they came from: what a search begins with. */
const queryOf = (row) => new Float32Array(numbers.subarray(row * DIMENSIONS, (row + 1) * DIMENSIONS))
const vectors = freeze(new Float32Array(numbers))

export const app = express()

app.get(
  '/search',
  offload(
    async (request, task) => {
      const [like, k] = [Number(request.query.like ?? 0), Number(request.query.k ?? 10)]
      const query = queryOf(Math.min(Math.max(Math.trunc(like) || 0, 0), ROWS - 1))
      const { index, score } = await topK(vectors, { ...task, query, dimensions: DIMENSIONS, k })
      return Array.from(index, (row, at) => ({ row, score: score[at] }))
    },
    { timeout: 1000 },
  ),
)

app.get('/fast', (_request, response) => response.json('fast'))
app.use(errorHandler())

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const server = app.listen(process.env.PORT ?? 3000, () => console.log(`http://localhost:${server.address().port}`))
}
