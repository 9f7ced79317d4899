// A search finds what it was begun with first; wrong numbers are the client's mistake; many at once, and /fast meanwhile.
import { once } from 'node:events'
import test from 'ava'
import { app } from '../server.mjs'

let origin

test.before('serve', async () => {
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `http://127.0.0.1:${server.address().port}`
  server.unref()
})

test('what it was begun with is nearest', async (t) => {
  for (const like of [0, 42, 19_999]) {
    const found = await (await fetch(`${origin}/search?like=${like}&k=5`)).json()
    t.is(found.length, 5)
    t.is(found[0].row, like)
    t.true(Math.abs(found[0].score - 1) < 1e-5)
    t.true(found.every(({ score }, at) => at === 0 || score <= found[at - 1].score))
  }
})

test("a wrong number is the client's mistake", async (t) => {
  for (const k of ['0', '-1', 'many', '1.5']) t.is((await fetch(`${origin}/search?k=${k}`)).status, 400, k)
})

test('many at once, and /fast is answered meanwhile', async (t) => {
  const searches = Promise.all(Array.from({ length: 50 }, (_, like) => fetch(`${origin}/search?like=${like}`)))
  let fast = 0
  while ((await Promise.race([searches.then(() => true), fetch(`${origin}/fast`)])) !== true) fast++
  t.true((await searches).every(({ status }) => status === 200 || status === 503))
  t.true(fast > 0)
})
