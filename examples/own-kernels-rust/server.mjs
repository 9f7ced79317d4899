// An Express server whose routes run the kernels of this crate. Build it first: node build.mjs
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import express from 'express'
import { loadKernels } from 'heavy-load'
import { errorHandler, offload } from 'heavy-load/express'

/** @type {import('./kernels.d.ts').LoadedKernels} */
const { closestWords, compileDictionary, editDistances, mandelbrot } = loadKernels(
  join(import.meta.dirname, 'kernels.node'),
)

/** Made once, used by every request. */
const dictionary = await compileDictionary('apple apply ape maple staple banana bandana cabana')

export const app = express()

// curl 'localhost:3000/spelling?word=appel'
app.get(
  '/spelling',
  offload((request, task) => closestWords(request.query.word, { ...task, dictionary })),
)

// curl 'localhost:3000/distances?to=kitten' --data-binary $'kitten\nsitting\n' -H 'content-type: text/plain'
app.post(
  '/distances',
  express.raw({ type: () => true, limit: '10mb' }),
  offload(async (request, task) => [...(await editDistances(request.body, { ...task, to: request.query.to }))]),
)

// curl 'localhost:3000/mandelbrot.pgm?x=-0.75&y=0.1&size=0.01' > tile.pgm
app.get(
  '/mandelbrot.pgm',
  offload(async (request, task) => {
    const [x, y, size] = ['x', 'y', 'size'].map((name) =>
      Number(request.query[name] ?? { x: -2, y: -1.25, size: 2.5 }[name]),
    )
    // It is drawn where it stands: `transfer` hands it over without a copy.
    const pixels = await mandelbrot(Buffer.alloc(512 * 512), { ...task, width: 512, x, y, size, transfer: true })
    return Buffer.concat([Buffer.from('P5 512 512 255\n'), pixels])
  }),
)

app.use(errorHandler())

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const server = app.listen(process.env.PORT ?? 3000, () => console.log(`http://localhost:${server.address().port}`))
}
