// What is said of errors that are answered with 5xx: of those that the app does not get to see, once a minute; of overload nothing.
import test from 'ava'
import Fastify from 'fastify'
import { errorHandler, offload } from 'heavy-load/express'
import plugin from 'heavy-load/fastify'
import { EXPRESS, KINDS, ours, serve } from '../helpers/http-servers.mjs'

const said = []
test.before(() => {
  process.env.NODE_ENV = 'development'
  console.error = (...all) => said.push(all)
})
test.beforeEach(() => {
  said.length = 0
})

const LOGGED = ['ERR_REMOTE', 'ERR_OUT_OF_MEMORY', 'ERR_POOL_CLOSED']
const UNLOGGED = ['ERR_POOL_OVERLOADED', 'ERR_TASK_TIMEOUT', 'ERR_INVALID_DATA', 'ERR_OUTPUT_TOO_LARGE']

/** Routes that answer errors of ours, by what answers them. */
function waysOf(kind) {
  const ways = { offload: (route) => [offload(route)] }
  if (kind in EXPRESS) {
    const rejecting = (route) => (request, _response, next) => route(request).catch(next)
    ways.errorHandler = (route) => [rejecting(route), { after: [errorHandler()] }]
  }
  return Object.entries(ways)
}

for (const kind of KINDS) {
  for (const [way, make] of waysOf(kind)) {
    test.serial(
      `${kind}, ${way}: each code once, with its cause; not overload, nor what is the client's`,
      async (t) => {
        const cause = new Error('connect ECONNREFUSED')
        const errors = [...LOGGED, ...UNLOGGED].map((code) => ours(code, { cause }))
        let error
        const [route, options] = make(async () => Promise.reject(error))
        const { url } = await serve(t, kind, route, { ...options, env: 'development' })
        for (let time = 0; time < 2; time++) {
          for (error of errors) t.true((await fetch(url)).status >= 400)
        }
        t.deepEqual(
          said.map(([, error]) => error),
          errors.slice(0, LOGGED.length),
        )
        t.is(said[0][0], 'heavy-load answered 503, and logs no other ERR_REMOTE for a minute:')
        // Another server of the process says it, too.
        const other = await serve(t, kind, route, { ...options, env: 'development' })
        error = errors[0]
        await fetch(other.url)
        t.is(said.length, LOGGED.length + 1)
      },
    )
  }

  test.serial(`${kind}: what the app answers is the app's to log`, async (t) => {
    const onError = (_error, _request, response) => response.end('own')
    const route = offload(() => Promise.reject(ours('ERR_REMOTE')), { onError })
    await fetch((await serve(t, kind, route, { env: 'development' })).url)
    t.deepEqual(said, [])
  })

  test.serial(`${kind}: nothing is said in tests`, async (t) => {
    process.env.NODE_ENV = 'test'
    t.teardown(() => {
      process.env.NODE_ENV = 'development'
    })
    for (const error of [ours('ERR_REMOTE'), new Error('unknown')]) {
      const { url } = await serve(
        t,
        kind,
        offload(() => Promise.reject(error)),
      )
      await fetch(url)
    }
    t.deepEqual(said, [])
  })
}

test.serial('node:http: errors that nobody else sees are logged as Express logs them', async (t) => {
  const error = new Error('a bug')
  const half = (_request, _task, response) => {
    response.write('half')
    throw error
  }
  const { url } = await serve(
    t,
    'node:http',
    offload(() => Promise.reject(error)),
  )
  for (let time = 0; time < 2; time++) t.is((await fetch(url)).status, 500)
  const cut = await serve(t, 'node:http', offload(half))
  await t.throwsAsync(fetch(cut.url).then((response) => response.text()))
  t.deepEqual(
    said.map(([, error]) => error),
    [error, error, error],
  )
})

test.serial("Fastify: by the app's logger", async (t) => {
  const lines = []
  const stream = { write: (line) => lines.push(JSON.parse(line)) }
  const app = Fastify({ logger: { level: 'error', stream }, forceCloseConnections: true })
  t.teardown(() => app.close())
  await app.register(plugin)
  let error
  app.get(
    '/',
    app.offload(() => Promise.reject(error)),
  )
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  for (error of [...LOGGED, ...LOGGED, ...UNLOGGED].map((code) => ours(code))) await fetch(url)
  t.deepEqual(
    lines.map(({ err }) => err.code),
    LOGGED,
  )
  t.deepEqual(said, [])
})
