// Uploads come back compressed, and compressed ones as they were; what is broken or a bomb is the client's mistake; /fast meanwhile.
import { once } from 'node:events'
import zlib from 'node:zlib'
import test from 'ava'
import { app } from '../server.mjs'

let origin

test.before('serve', async () => {
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `http://127.0.0.1:${server.address().port}`
  server.unref()
})

async function post(path, body) {
  const response = await fetch(origin + path, { method: 'POST', body })
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    body: Buffer.from(await response.arrayBuffer()),
  }
}

const log = Buffer.from(
  Array.from({ length: 40_000 }, (_, line) => `${line} GET /orders/${(line * 7919) % 1000} 200\n`).join(''),
)

test('what was compressed is what it was, in every format', async (t) => {
  for (const format of ['gzip', 'deflate', 'zstd', 'brotli']) {
    const compressed = await post(`/compress?format=${format}`, log)
    t.is(compressed.status, 200)
    t.true(compressed.body.length < log.length / 2)
    const { status, body } = await post(`/decompress?format=${format}`, compressed.body)
    t.is(status, 200)
    t.true(log.equals(body), format)
  }
  const { type, body } = await post('/compress?level=9', log)
  t.is(type, 'application/gzip')
  t.true(log.equals(zlib.gunzipSync(body)))
  t.is((await post('/compress', Buffer.alloc(0))).status, 200)
})

test("broken data and unknown formats are the client's mistake", async (t) => {
  const compressed = zlib.gzipSync(log)
  t.is((await post('/decompress', compressed.subarray(0, -1))).status, 400)
  t.is((await post('/decompress', log)).status, 400)
  t.is((await post('/decompress', Buffer.alloc(0))).status, 400)
  t.is((await post('/compress?format=rar', log)).status, 400)
  t.is((await post('/compress?level=10', log)).status, 400)
  t.is((await post('/compress?level=high', log)).status, 400)
})

test('a bomb is stopped at the limit', async (t) => {
  const bomb = zlib.gzipSync(Buffer.alloc(65 * 2 ** 20))
  t.is((await post('/decompress', bomb)).status, 413)
})

test('many uploads at once, and /fast is answered meanwhile', async (t) => {
  const uploads = Promise.all(Array.from({ length: 30 }, () => post('/compress?format=gzip&level=9', log)))
  let fast = 0
  while ((await Promise.race([uploads.then(() => true), fetch(`${origin}/fast`)])) !== true) fast++
  t.true((await uploads).every(({ status }) => status === 200 || status === 503))
  t.true(fast > 3, `${fast} answers of /fast`)
})
