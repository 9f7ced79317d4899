// An Express server with accounts: passwords are hashed and verified on heavy-load's threads.
//
//   node examples/login/server.mjs
//   curl localhost:3000/accounts -H 'content-type: application/json' -d '{"name":"ada","password":"correct horse"}'
//   curl localhost:3000/login    -H 'content-type: application/json' -d '{"name":"ada","password":"correct horse"}'
import { pathToFileURL } from 'node:url'
import express from 'express'
import { errorHandler, offload } from 'heavy-load/express'
import { hashPassword, needsRehash, verifyPassword } from 'heavy-load/passwords'

/** In place of a database: what is kept of each account's password. */
export const accounts = new Map()

/** Whoever logs in with a name that does not exist waits as long as the others: so nobody learns which names do. */
const nobody = await hashPassword(crypto.randomUUID())

export const app = express()
app.use(express.json({ limit: '10kb' }))

/** A login has ten seconds, and each address an equal share: a flood from one does not keep the others out. */
const login = { timeout: 10_000, key: (request) => request.ip }

app.post(
  '/accounts',
  offload(async (request, task, response) => {
    const { name, password } = credentials(request)
    if (accounts.has(name)) return response.status(409).json({ error: 'This name is taken' })
    const hash = await hashPassword(password, task)
    // Somebody may have been faster.
    if (accounts.has(name)) return response.status(409).json({ error: 'This name is taken' })
    accounts.set(name, hash)
    return response.status(201).json({ name })
  }, login),
)

app.post(
  '/login',
  offload(async (request, task, response) => {
    const { name, password } = credentials(request)
    const hash = accounts.get(name) ?? nobody
    const isRight = await verifyPassword(password, { ...task, hash })
    if (!isRight || !accounts.has(name)) return response.status(401).json({ error: 'Wrong name or password' })
    // Only now is the password known: the hash is made as strong as new ones are.
    // The login has succeeded, whatever becomes of that: there may be no time left for it.
    if (needsRehash(hash)) {
      const keep = (hash) => accounts.set(name, hash)
      await hashPassword(password, task).then(keep, () => {})
    }
    return { name }
  }, login),
)

app.get('/fast', (_request, response) => response.json('fast'))
app.use(errorHandler())

/** What a request brings, as strings: a client can send anything. */
function credentials({ body }) {
  return { name: String(body?.name ?? ''), password: String(body?.password ?? '') }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const server = app.listen(process.env.PORT ?? 3000, () => console.log(`http://localhost:${server.address().port}`))
}
