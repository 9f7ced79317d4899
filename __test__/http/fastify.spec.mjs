// heavy-load/fastify, over real HTTP.
import { once } from 'node:events'
import { get } from 'node:http'
import { Readable } from 'node:stream'
import test from 'ava'
import Fastify from 'fastify'
import { heavyLoad, heavyLoadShared } from 'heavy-load'
import * as express from 'heavy-load/express'
import plugin, { errorHandler } from 'heavy-load/fastify'
import { ours } from '../helpers/http-servers.mjs'
import { ENDLESS, hold, openPool } from '../helpers/pool.mjs'
import { until } from '../helpers/turns.mjs'

const BYTES = 'application/octet-stream'
const JSON_TYPE = 'application/json; charset=utf-8'
const TIMING = /^queue;dur=\d+(\.\d+)?, run;dur=\d+(\.\d+)?$/

/** A server whose routes `make` makes; its address. */
async function serve(t, make) {
  const app = Fastify({ forceCloseConnections: true })
  t.teardown(() => app.close())
  await app.register(plugin)
  await make(app)
  return app.listen({ host: '127.0.0.1', port: 0 })
}

const serveOne = (t, handler, options) => serve(t, (app) => app.get('/', app.offload(handler, options)))

/** An error of somebody else's. */
const coded = (code, more) => Object.assign(new Error(`because of ${code}`), { code, ...more })

const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(97)
for (const [about, value, type, body] of [
  ['a number', 404, JSON_TYPE, '404'],
  ['null', null, JSON_TYPE, 'null'],
  ['an object', { a: [1] }, JSON_TYPE, '{"a":[1]}'],
  ['a string', 'häh', 'text/plain; charset=utf-8', 'häh'],
  ['a Buffer', Buffer.from('abc'), BYTES, 'abc'],
  ['a view of a part', new Uint16Array(new Uint8Array([1, 1, 98, 98, 1, 1]).buffer, 2, 1), BYTES, 'bb'],
  ['an ArrayBuffer', new Uint8Array([101]).buffer, BYTES, 'e'],
  ['a view of shared memory', shared.subarray(1), BYTES, 'aaa'],
]) {
  test(`${about} is sent as it is`, async (t) => {
    const response = await fetch(await serveOne(t, async () => value))
    t.is(response.status, 200)
    t.is(response.headers.get('content-type'), type)
    t.is(response.headers.get('server-timing'), null, 'there was no task')
    t.is(await response.text(), body)
  })
}

test('undefined is sent as 204, unless there is another status', async (t) => {
  const url = await serve(t, (app) => {
    app.get(
      '/',
      app.offload(() => undefined),
    )
    const accept = async (_request, reply) => void reply.code(202)
    app.get(
      '/accepted',
      { preHandler: accept },
      app.offload(() => undefined),
    )
  })
  t.is((await fetch(url)).status, 204)
  t.is((await fetch(`${url}/accepted`)).status, 202)
})

test("Server-Timing has the request's tasks; options may be of the request; `this` is the instance", async (t) => {
  const pool = openPool(t, { threads: 1 })
  const tasks = []
  async function handler(request, task, reply) {
    tasks.push(task)
    if (request.query.before) reply.type('text/html').header('Server-Timing', request.query.before)
    await heavyLoadShared(new Uint32Array(new SharedArrayBuffer(4)), task)
    return this.prefix + (await heavyLoad(Number(request.query.n), { ...task }))
  }
  const url = await serveOne(t, handler, { pool: () => pool, timeout: 60_000, key: ({ query }) => query.key })
  const response = await fetch(`${url}?n=7&key=a`)
  t.regex(response.headers.get('server-timing'), TIMING)
  t.is(await response.text(), '7')
  t.is(pool.stats().completed, 2)
  const other = await fetch(`${url}?n=8&before=db;dur=1`)
  t.regex(other.headers.get('server-timing'), /^db;dur=1, queue;dur=[\d.]+, run;dur=[\d.]+$/)
  t.is(other.headers.get('content-type'), 'text/html')
  t.like(tasks[0], { pool, key: 'a' })
  t.true(tasks[0].timeout <= 60_000)
  t.false(tasks[0].signal.aborted || 'key' in tasks[1])
})

const BAD = ['ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_VALUE', 'ERR_INVALID_DATA', 'ERR_OUT_OF_RANGE']
const STATUS = {
  ERR_OUTPUT_TOO_LARGE: 413,
  ERR_REMOTE: 503,
  ERR_POOL_CLOSED: 503,
  ERR_POOL_OVERLOADED: 503,
  ERR_TASK_TIMEOUT: 504,
}
for (const code of [...BAD, ...Object.keys(STATUS)]) {
  const status = STATUS[code] ?? 400
  test(`${code} is answered with ${status}, whatever was set for the value`, async (t) => {
    const fail = async (_request, _task, reply) => {
      reply.type('text/html').header('Content-Encoding', 'gzip').header('Content-Length', '3').serializer(String)
      throw ours(code, { retryAfter: 1.2 })
    }
    const url = await serve(t, (app) => {
      app.get('/offload', app.offload(fail))
      app.setErrorHandler(errorHandler)
      app.get('/errorHandler', (request, reply) => fail(request, undefined, reply))
    })
    for (const way of ['offload', 'errorHandler']) {
      const response = await fetch(`${url}/${way}`)
      t.is(response.status, status)
      t.is(response.headers.get('content-type'), JSON_TYPE)
      t.is(response.headers.get('retry-after'), status === 503 ? '2' : null)
      t.deepEqual(await response.json(), { error: { code, message: `what ${code} says` } })
    }
  })
}

for (const [code, status, run, timeout] of [
  ['ERR_TASK_TIMEOUT', 504, (task) => heavyLoad(ENDLESS, task), 20],
  ['ERR_POOL_OVERLOADED', 503, (task) => hold(task.pool).then(() => heavyLoad(1, task))],
  ['ERR_POOL_CLOSED', 503, (task) => task.pool.close().then(() => heavyLoad(1, task))],
  ['ERR_OUT_OF_RANGE', 400, (task) => heavyLoad(1, task).then((one) => heavyLoad(-one, task))],
]) {
  test(`a real ${code} is answered`, async (t) => {
    const pool = openPool(t, { threads: 1, maxQueue: 0 })
    const response = await fetch(await serveOne(t, (_request, task) => run(task), { pool, timeout }))
    t.is(response.status, status)
    t.is((await response.json()).error.code, code)
    if (code === 'ERR_POOL_OVERLOADED') t.regex(response.headers.get('retry-after'), /^[1-9]\d*$/)
    if (code === 'ERR_OUT_OF_RANGE') t.regex(response.headers.get('server-timing'), TIMING)
  })
}

test("all other errors are Fastify's, with errorHandler too", async (t) => {
  const thrown = [coded('ERR_MINE'), coded('ABORT_ERR'), coded('ERR_OUT_OF_RANGE'), { statusCode: 418 }, 'text', null]
  const fail = async (request) => Promise.reject(thrown[request.params.what])
  const url = await serve(t, (app) => {
    app.get('/plain/:what', fail)
    app.get('/offload/:what', app.offload(fail))
    app.register(async (inner) => inner.setErrorHandler(errorHandler).get('/errorHandler/:what', fail))
  })
  for (const what of thrown.keys()) {
    const own = await fetch(`${url}/plain/${what}`)
    const body = await own.text()
    t.is(own.status, thrown[what]?.statusCode ?? 500)
    for (const way of ['offload', 'errorHandler']) {
      const response = await fetch(`${url}/${way}/${what}`)
      t.is(response.status, own.status)
      t.is(await response.text(), body)
    }
  }
})

for (const end of ['fails', 'gives a value all the same', 'had not begun', 'was that of a hook']) {
  test(`work is stopped when its client goes away, and nothing is answered: it ${end}`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const ofHook = end === 'was that of a hook'
    const early = ofHook || end === 'had not begun'
    const seen = []
    const url = await serve(t, (app) => {
      app.addHook('preHandler', async ({ query, raw }) => {
        seen.push('request')
        if (!early || !query.leave) return
        await once(raw.socket, 'close')
        if (ofHook) throw coded('ABORT_ERR', { seen: seen.push('ABORT_ERR') })
      })
      app.addHook('onSend', async (request) => void seen.push(request.url))
      app.setErrorHandler(ofHook ? errorHandler : (error) => seen.push(error))
      const run = async ({ query }, task) => {
        if (!query.leave) return heavyLoad(1, task)
        const { code } = await t.throwsAsync(heavyLoad(ENDLESS, task))
        seen.push(code)
        if (end !== 'gives a value all the same') throw coded(code)
      }
      app.get('/', app.offload(run, { pool }))
    })
    const request = get(`${url}?leave=now`).on('error', () => {})
    await until(() => (early ? seen.length === 1 : pool.stats().running === 1))
    request.destroy()
    await until(() => seen.length > 1 && pool.stats().running === 0)
    t.is(pool.stats().cancelled, early ? 0 : 1)
    t.is((await fetch(url)).status, 200)
    t.deepEqual(seen, ['request', 'ABORT_ERR', 'request', '/'])
  })
}

test('a handler may answer itself; one that fails after half an answer is cut off', async (t) => {
  const ways = {
    send: (reply) => reply.send('own'),
    stream: (reply) => reply.send(Readable.from(['o', 'wn'])),
    raw: (reply) => void reply.raw.end('own'),
    hijacked: (reply) => void setImmediate(() => reply.raw.end('own'), reply.hijack()),
    failed: (reply) => reply.send('own'),
    half: (reply) => reply.raw.write('half'),
  }
  const run = async ({ params: { way } }, _task, reply) => {
    const returned = ways[way](reply)
    if (way === 'failed' || way === 'half') throw ours('ERR_INVALID_DATA')
    return returned
  }
  const url = await serve(t, (app) => app.get('/:way', app.offload(run)))
  for (const way of ['send', 'stream', 'raw', 'hijacked', 'failed']) {
    const response = await fetch(`${url}/${way}`)
    t.is(response.status, 200, way)
    t.is(await response.text(), 'own', way)
  }
  await t.throwsAsync(fetch(`${url}/half`).then((response) => response.text()))
})

test('a mistake in a route throws when the route is made', async (t) => {
  await serve(t, (app) => {
    t.throws(() => app.offload(), { code: 'ERR_INVALID_ARG_TYPE', message: /"handler"/ })
    t.throws(() => app.offload(heavyLoad, { timeout: 0 }), { code: 'ERR_OUT_OF_RANGE', message: /timeout/ })
    t.throws(() => app.offload(heavyLoad, { pool: {} }), { code: 'ERR_INVALID_ARG_TYPE', message: /pool/ })
  })
})

test('what is for Express says what is for Fastify', async (t) => {
  t.throws(() => errorHandler(), { code: 'ERR_INVALID_ARG_VALUE', message: /app\.setErrorHandler\(errorHandler\)$/ })
  const url = await serve(t, (app) => {
    app.get(
      '/route',
      express.offload(() => 'text'),
    )
    app.get('/handler', { errorHandler: express.errorHandler() }, () => Promise.reject(ours('ERR_INVALID_DATA')))
  })
  for (const [path, message] of [
    ['route', /is for Express and node:http\. Fastify takes app\.offload, once heavy-load\/fastify is registered$/],
    ['handler', /Fastify takes errorHandler of heavy-load\/fastify, as it is: app\.setErrorHandler\(errorHandler\)$/],
  ]) {
    const response = await fetch(`${url}/${path}`)
    t.is(response.status, 500)
    t.regex((await response.json()).message, message)
  }
})
