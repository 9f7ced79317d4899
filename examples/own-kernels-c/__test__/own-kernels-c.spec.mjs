// The example is built with the system's C compiler, and its server answers with its kernels.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import test from 'ava'

const root = dirname(import.meta.dirname)
let origin

test.before('build and serve', async () => {
  execFileSync(process.execPath, [join(root, 'build.mjs')], { stdio: ['ignore', 'ignore', 'inherit'] })
  const { app } = await import('../server.mjs')
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.unref()
  origin = `http://127.0.0.1:${server.address().port}`
})

test('a one-shot: a slug', async (t) => {
  const response = await fetch(`${origin}/slug?title=${encodeURIComponent('Hello, World: a Test!')}`)
  t.is(await response.text(), 'hello-world-a-test')
})

test('on all threads: entropy of bytes', async (t) => {
  const all = Buffer.from(Array.from({ length: 256 * 4096 }, (_, at) => at % 256))
  const entropy = async (body) => (await fetch(`${origin}/entropy`, { method: 'POST', body })).json()
  t.deepEqual(await entropy(all), { bytes: all.length, bitsPerByte: 8 })
  t.is((await entropy(Buffer.alloc(100_000))).bitsPerByte, 0)
})

test('mistakes of the client are answered as such', async (t) => {
  const response = await fetch(`${origin}/slug`)
  t.is(response.status, 400)
  t.is((await response.json()).error.code, 'ERR_INVALID_ARG_TYPE')
})
