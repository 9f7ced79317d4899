// The example is built, its kernels run in three forms, and its server answers with them.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import test from 'ava'

const root = dirname(import.meta.dirname)
let origin

test.before('build and serve', async (t) => {
  t.timeout(600_000)
  execFileSync('cargo', ['test', '--locked', '--quiet', '--target-dir', 'target'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  execFileSync(process.execPath, [join(root, 'build.mjs')], { stdio: ['ignore', 'ignore', 'inherit'] })
  const { app } = await import('../server.mjs')
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `http://127.0.0.1:${server.address().port}`
  server.unref()
})

test('a resource that lives on: the words that are closest', async (t) => {
  const response = await fetch(`${origin}/spelling?word=appel`)
  t.is(response.status, 200)
  const words = await response.json()
  t.deepEqual(words[0], { word: 'ape', distance: 2 })
  t.is(words.length, 3)
})

test('all threads: distances of lines', async (t) => {
  const lines = `${'kitten\nsitting\n\n'.repeat(2000)}größe`
  const response = await fetch(`${origin}/distances?to=kitten`, { method: 'POST', body: lines })
  const distances = await response.json()
  t.is(distances.length, 6001)
  t.deepEqual(distances.slice(0, 3), [0, 3, 6])
})

test('steps, in place: a tile', async (t) => {
  const response = await fetch(`${origin}/mandelbrot.pgm`)
  const bytes = Buffer.from(await response.arrayBuffer())
  t.is(bytes.subarray(0, 15).toString(), 'P5 512 512 255\n')
  t.is(bytes.length, 15 + 512 * 512)
  t.is(bytes[15], 1, 'the corner escapes at once')
})

test('mistakes of the client are answered as such', async (t) => {
  const missing = await fetch(`${origin}/spelling`)
  t.is(missing.status, 400)
  t.is((await missing.json()).error.code, 'ERR_INVALID_ARG_TYPE')
  const broken = await fetch(`${origin}/distances?to=a`, { method: 'POST', body: Buffer.from([0xff]) })
  t.is(broken.status, 400)
  t.is((await broken.json()).error.code, 'ERR_INVALID_DATA')
})
