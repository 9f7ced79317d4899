// Uploads become thumbnails, mistakes of the client are answered as such, and /fast stays as it is meanwhile.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import sharp from 'sharp'
import { app } from '../server.mjs'

const corpus = join(import.meta.dirname, '../../../packs/image/corpus')
const photo = readFileSync(join(corpus, 'jpeg-larger.jpg'))
let origin

test.before('serve', async () => {
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `http://127.0.0.1:${server.address().port}`
  server.unref()
})

function post(path, body, type = 'image/jpeg') {
  return fetch(origin + path, { method: 'POST', headers: { 'content-type': type }, body })
}

async function thumbnail(path, body) {
  const response = await post(path, body)
  const { format, width, height } = await sharp(Buffer.from(await response.arrayBuffer())).metadata()
  return { status: response.status, type: response.headers.get('content-type'), format, width, height }
}

test('an upload becomes a thumbnail', async (t) => {
  const expected = { status: 200, type: 'image/webp', format: 'webp' }
  t.deepEqual(await thumbnail('/thumbnails?width=100', photo), { ...expected, width: 100, height: 74 })
  t.deepEqual(await thumbnail('/thumbnails?width=64&fit=cover', photo), { ...expected, width: 64, height: 64 })
  const turned = readFileSync(join(corpus, 'jpeg-exif-6.jpg'))
  t.deepEqual(await thumbnail('/thumbnails?width=20', turned), { ...expected, width: 20, height: 27 })
})

test('what an image is', async (t) => {
  const response = await post('/info', photo)
  const expected = { format: 'jpeg', width: 400, height: 295, orientation: 1, hasAlpha: false }
  t.deepEqual(await response.json(), expected)
})

test('mistakes of the client are answered as such', async (t) => {
  const answer = async (response) => [response.status, (await response.json()).error.code]
  t.deepEqual(await answer(await post('/thumbnails', photo.subarray(0, 5000))), [400, 'ERR_INVALID_DATA'])
  t.deepEqual(await answer(await post('/thumbnails', 'hello')), [400, 'ERR_INVALID_DATA'])
  t.deepEqual(await answer(await post('/thumbnails?width=-1', photo)), [400, 'ERR_OUT_OF_RANGE'])
  t.deepEqual(await answer(await post('/thumbnails?fit=wide', photo)), [400, 'ERR_INVALID_ARG_VALUE'])
  t.is((await post('/thumbnails', Buffer.alloc(21 << 20))).status, 413)
})

test('a bomb is refused', async (t) => {
  const bomb = Buffer.from(readFileSync(join(corpus, 'gif-plain.gif')))
  bomb.writeUInt16LE(65_535, 6)
  bomb.writeUInt16LE(65_535, 8)
  const response = await post('/thumbnails', bomb, 'image/gif')
  t.is((await response.json()).error.code, 'ERR_OUTPUT_TOO_LARGE')
})

test('many uploads at once are all answered, and /fast meanwhile', async (t) => {
  const uploads = Promise.all(Array.from({ length: 100 }, () => thumbnail('/thumbnails?width=100', photo)))
  let fast = 0
  const watch = (async () => {
    while ((await Promise.race([uploads.then(() => true), fetch(`${origin}/fast`)])) !== true) fast++
  })()
  for (const { status } of await uploads) t.is(status, 200)
  await watch
  t.true(fast > 0, `${fast} answers of /fast`)
})
