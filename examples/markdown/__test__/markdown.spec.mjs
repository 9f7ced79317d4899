// Comments come back rendered and safe; what is made to take long is refused or soon done, and /fast is answered meanwhile.
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

async function comment(text) {
  const response = await fetch(`${origin}/comments`, { method: 'POST', body: new URLSearchParams({ text }) })
  return { status: response.status, page: await response.text() }
}

test.serial('a comment is rendered', async (t) => {
  const { status, page } = await comment('# Hi\n\n*there* www.a.com')
  t.is(status, 200)
  t.true(page.includes('<h1>Hi</h1>\n<p><em>there</em> <a href="http://www.a.com" rel="noopener noreferrer">'))
})

test.serial('what runs is left out', async (t) => {
  const { page } = await comment('<img src=x onerror=alert(1)><script>alert(2)</script>[x](javascript:alert(3))')
  t.false(/alert|<script|javascript:/.test(page))
  t.true(page.includes('<article><p><img src="x">'))
})

test.serial('hostile comments are no trouble', async (t) => {
  const answers = Promise.all(
    ['[', '*a ', '<div>', '>', '`a'].map((piece) => comment(piece.repeat(60_000 / piece.length))),
  )
  let fast = 0
  while ((await Promise.race([answers.then(() => true), fetch(`${origin}/fast`)])) !== true) fast++
  // With its encoding, one may be too large for the form.
  for (const { status } of await answers) t.true([200, 400, 413].includes(status), `${status}`)
  t.true(fast > 0)
})
