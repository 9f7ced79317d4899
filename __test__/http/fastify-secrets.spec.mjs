// heavy-load/fastify: in production, no answer says what an error says, however it has come about; the app's error handlers are told.
import { readFileSync } from 'node:fs'
import test from 'ava'
import Fastify from 'fastify'
import { heavyLoad } from 'heavy-load'
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

const expose = (error, value) => Object.assign(error, { statusCode: 404, expose: value })
for (const [about, error, message] of [
  ['a status of its own', Object.assign(new Error(SECRET), { statusCode: 404 }), 'Not Found'],
  ['one that its maker hides', expose(new Error(SECRET), false), 'Not Found'],
  ['no Error', { statusCode: 404, message: SECRET }, 'Not Found'],
  ['a path that a package has exposed', expose(missing(), true), 'Not Found'],
  ['one that its maker has made for clients', expose(new Error('no such item'), true), 'no such item'],
]) {
  test(`of an error with ${about} the client sees what is for clients`, async (t) => {
    const response = await fetch(await serve(t, [() => Promise.reject(error)]))
    t.is(response.status, 404)
    t.is((await response.json()).message, message)
  })
}

test('of an error of ours that is handed on, the client sees what offload itself would say', async (t) => {
  const url = await serve(t, [(_request, task) => heavyLoad(SECRET, task), { errors: 'next' }])
  const response = await fetch(url)
  t.is(response.status, 400)
  t.deepEqual(await response.json(), {
    statusCode: 400,
    code: 'ERR_INVALID_ARG_TYPE',
    error: 'Bad Request',
    message: 'The "iterations" argument must be of type number.',
  })
})

function missing() {
  try {
    readFileSync(SECRET)
  } catch (error) {
    return error
  }
}

const hooks = {
  'for all routes': (app, hook) => app.addHook('onSend', hook),
  'for the route': (_app, hook) => ({ onSend: hook }),
}
for (const [whose, add] of Object.entries(hooks)) {
  for (const [about, handler] of [
    ['a value', () => 'text'],
    ['an error', fail],
    ['an error that is answered', (_request, task) => heavyLoad(-1, task)],
  ]) {
    test(`what a hook ${whose} throws with ${about} is not told`, async (t) => {
      const app = Fastify({ forceCloseConnections: true })
      t.teardown(() => app.close())
      await app.register(plugin)
      const options = add(app, async (request, reply, payload) => {
        reply.header('X-Own', 'yes')
        if (request.headers['x-fail']) throw new Error(SECRET)
        return request.headers['x-change'] ? 'changed' : payload
      })
      app.get('/', options ?? {}, app.offload(handler))
      const url = await app.listen({ host: '127.0.0.1', port: 0 })
      const response = await fetch(url, { headers: { 'X-Fail': 'yes' } })
      t.true(response.status >= 400)
      t.notRegex(await response.text(), /secret/)
      t.is(response.headers.get('x-own'), 'yes')
      // The next request of the connection, which is answered as ever.
      const changed = await fetch(url, { headers: { 'X-Change': 'yes' } })
      t.is(await changed.text(), 'changed')
    })
  }
}

test('a route in a scope that the plugin is not registered in is a mistake, whatever it does', async (t) => {
  const app = Fastify({ forceCloseConnections: true })
  t.teardown(() => app.close())
  let offload
  await app.register(async (child) => {
    await child.register(plugin)
    offload = child.offload
  })
  app.get('/elsewhere', offload(fail))
  const response = await fetch(`${await app.listen({ host: '127.0.0.1', port: 0 })}/elsewhere`)
  t.is(response.status, 500)
  const { message } = await response.json()
  t.is(message, 'heavy-load/fastify is not registered in the scope of GET /elsewhere: register it there, or around it')
})
