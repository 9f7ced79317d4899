// heavy-load/fastify: in production, no answer says what an error says, however it has come about; the app's error handlers are told.
import test from 'ava'
import Fastify from 'fastify'
import plugin from 'heavy-load/fastify'

process.env.NODE_ENV = 'production'

const SECRET = 'secret of the machine'
const fail = () => {
  throw new Error(SECRET)
}
const circular = { [SECRET]: 1 }
circular.itself = circular

/** Routes, by what goes wrong in them. */
const ROUTES = {
  'what onError throws': [fail, { onError: (error) => Promise.reject(error) }],
  'what onError throws at once': [fail, { onError: fail }],
  'what onError throws that is no error': [
    fail,
    {
      onError() {
        throw SECRET
      },
    },
  ],
  'a toJSON that throws': [() => ({ toJSON: fail })],
  'a circle': [() => circular],
  'a BigInt': [() => ({ [SECRET]: 1n })],
  'a message that is no text': [() => Promise.reject(Object.assign(new Error(), { message: [SECRET] }))],
  'an error that is sent': [(_request, _task, reply) => void reply.send(new Error(SECRET))],
  'a header that Node refuses': [
    (_request, _task, reply) => {
      reply.header(SECRET.replaceAll(' ', '-'), '\x01')
      return 'text'
    },
  ],
  'such a header of a Response': [() => new Response('text', { headers: { [SECRET.replaceAll(' ', '-')]: '\x01' } })],
  'such a header of an error': [() => Promise.reject(Object.assign(new Error(SECRET), { headers: { 'x-a': '\x01' } }))],
}

async function serve(t, [handler, options], errorHandler) {
  const app = Fastify({ forceCloseConnections: true })
  t.teardown(() => app.close())
  await app.register(plugin)
  if (errorHandler !== undefined) app.setErrorHandler(errorHandler)
  app.get('/', app.offload(handler, options))
  return app.listen({ host: '127.0.0.1', port: 0 })
}

for (const [about, route] of Object.entries(ROUTES)) {
  test(`${about} is not told`, async (t) => {
    const url = await serve(t, route)
    const response = await fetch(url)
    t.is(response.status, 500)
    t.regex(response.headers.get('content-type'), /^application\/json/)
    const message = 'Internal Server Error'
    t.deepEqual(await response.json(), { statusCode: 500, error: message, message })
    t.is((await fetch(url, { method: 'HEAD' })).status, 500)
  })

  test(`${about} is told to the app's error handler, which answers as it likes`, async (t) => {
    const seen = []
    const url = await serve(t, route, (error, _request, reply) => {
      seen.push(error)
      return reply.code(500).send({ message: error.message ?? error })
    })
    const { message } = await (await fetch(url)).json()
    t.is(seen.length, 1)
    t.deepEqual(message, seen[0].message ?? seen[0])
    t.not(message, 'Internal Server Error')
  })
}

test("what the app's error handler throws or hands on is not told", async (t) => {
  const another = new Error(`${SECRET}, again`)
  const handlers = [
    (error) => Promise.reject(error),
    () => Promise.reject(another),
    (error, _request, reply) => reply.send(error),
  ]
  for (const handler of handlers) {
    const response = await fetch(await serve(t, [fail], handler))
    t.is(response.status, 500)
    t.notRegex(await response.text(), /secret/)
  }
})
