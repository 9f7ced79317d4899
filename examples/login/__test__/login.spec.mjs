// Accounts are made, logins succeed and fail, old hashes become new ones, a storm of logins leaves /fast as it is.
import { once } from 'node:events'
import test from 'ava'
import bcryptjs from 'bcryptjs'
import { accounts, app } from '../server.mjs'

let origin

test.before('serve', async () => {
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `http://127.0.0.1:${server.address().port}`
  server.unref()
})

async function post(path, body) {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(origin + path, { method: 'POST', headers, body: JSON.stringify(body) })
  const isJSON = response.headers.get('content-type').startsWith('application/json')
  return { status: response.status, body: isJSON ? await response.json() : await response.text() }
}

test.serial('an account is made once, and its password opens it', async (t) => {
  const ada = { name: 'ada', password: 'correct horse' }
  t.deepEqual(await post('/accounts', ada), { status: 201, body: { name: 'ada' } })
  t.is((await post('/accounts', { ...ada, password: 'another' })).status, 409)
  t.deepEqual(await post('/login', ada), { status: 200, body: { name: 'ada' } })
  for (const wrong of [{ ...ada, password: 'correct horsf' }, { ...ada, name: 'eve' }, { name: 'ada' }, {}, []]) {
    t.deepEqual(await post('/login', wrong), { status: 401, body: { error: 'Wrong name or password' } })
  }
  t.is((await post('/login', { name: 'nobody', password: '' })).status, 401)
})

test.serial('a hash of bcrypt becomes one of argon2id with the next login', async (t) => {
  const old = { name: 'old', password: 'pässwörd' }
  accounts.set('old', await bcryptjs.hash(old.password, 4))
  t.is((await post('/login', { ...old, password: 'wrong' })).status, 401)
  t.regex(accounts.get('old'), /^\$2b\$/)
  t.is((await post('/login', old)).status, 200)
  t.regex(accounts.get('old'), /^\$argon2id\$/)
  t.is((await post('/login', old)).status, 200)
})

test.serial('a password that is too long is a mistake of the client', async (t) => {
  const { status } = await post('/accounts', { name: 'long', password: 'x'.repeat(20_000) })
  t.is(status, 413)
})

test.serial('a storm of logins: all are answered, at once if it cannot be in time, and /fast meanwhile', async (t) => {
  await post('/accounts', { name: 'storm', password: 'secret' })
  const storm = Promise.all(Array.from({ length: 50 }, () => post('/login', { name: 'storm', password: 'secret' })))
  let fast = 0
  const watch = (async () => {
    while ((await Promise.race([storm.then(() => true), fetch(`${origin}/fast`)])) !== true) fast++
  })()
  const statuses = (await storm).map(({ status }) => status)
  // On a machine that others keep busy, ten seconds may not be enough for all.
  t.true(statuses.includes(200) && statuses.every((status) => status === 200 || status === 503), `${statuses}`)
  await watch
  t.true(fast > 10, `${fast} answers of /fast`)
})
