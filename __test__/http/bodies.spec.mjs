// offload: values that are not there at once, handlers that answer themselves, and what has no form as a body; by every adapter.
import { once } from 'node:events'
import { createReadStream, readFileSync } from 'node:fs'
import { createServer, get } from 'node:http'
import { Readable, Writable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { freeze, heavyLoad } from 'heavy-load'
import { offload } from 'heavy-load/express'
import { ADAPTERS, EXPRESS, hangUp, KINDS, ours, serve, serveHandler, visit } from '../helpers/http-servers.mjs'
import { until } from '../helpers/turns.mjs'

const BYTES_TYPE = 'application/octet-stream'
const OWN = import.meta.filename

/** Answers, by whatever is the third that a handler takes. */
function answer(response, text) {
  if (typeof response.send === 'function') response.send(text)
  else response.end(text)
}

/** A server whose answer is what gzip made. */
async function upstream(t) {
  const server = createServer((_request, response) => {
    response.writeHead(206, { 'Content-Encoding': 'gzip', 'Content-Type': 'text/csv', 'X-Own': 'yes' })
    response.end(gzipSync('a,b'))
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return `http://127.0.0.1:${server.address().port}`
}

for (const kind of ADAPTERS) {
  const streams = {
    'a file': [() => createReadStream(OWN), BYTES_TYPE, readFileSync(OWN, 'utf8')],
    'a stream of texts': [() => Readable.from(['o', 'né']), BYTES_TYPE, 'oné'],
    'an empty stream': [() => Readable.from([]), BYTES_TYPE, ''],
    'a web stream': [() => new Blob(['web']).stream(), BYTES_TYPE, 'web'],
    'a Blob': [() => new Blob(['blob'], { type: 'text/csv' }), 'text/csv', 'blob'],
    'a Response': [() => new Response('text'), 'text/plain;charset=UTF-8', 'text'],
  }
  for (const [name, [make, type, body]] of Object.entries(streams)) {
    test(`${kind}: ${name} is sent`, async (t) => {
      const { url, errors } = await serveHandler(t, kind, async () => make())
      const response = await fetch(url)
      t.is(response.status, 200)
      t.is(response.headers.get('content-type'), type)
      t.is(await response.text(), body)
      t.deepEqual(errors, [])
    })
  }

  test(`${kind}: a Response has its own status and headers`, async (t) => {
    const headers = new Headers({ 'X-Own': 'yes', 'Content-Type': 'text/csv', 'Transfer-Encoding': 'chunked' })
    headers.append('Set-Cookie', 'a=1')
    headers.append('Set-Cookie', 'b=2')
    const { url } = await serveHandler(t, kind, () => new Response('a,b', { status: 203, headers }))
    const response = await fetch(url)
    t.is(response.status, 203)
    t.is(response.headers.get('x-own'), 'yes')
    t.is(response.headers.get('content-type'), 'text/csv')
    t.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2'])
    t.is(await response.text(), 'a,b')
    const empty = await serveHandler(t, kind, () => new Response(null, { status: 204 }))
    t.is((await fetch(empty.url)).status, 204)
  })

  const lengths = {
    'a Response': (length, body) => new Response(body, { headers: { 'Content-Length': length } }),
    'a stream': (length, body, response) => {
      ;(response.header ?? response.setHeader).call(response, 'Content-Length', length)
      return Readable.from([body])
    },
  }
  for (const [name, make] of Object.entries(lengths)) {
    test(`${kind}: ${name} with a wrong Content-Length is cut off, and leaves nobody waiting`, async (t) => {
      const handler = (request, _task, response) => make(request.headers['x-length'], 'text', response)
      const { url, errors } = await serveHandler(t, kind, handler)
      const ask = (length) => fetch(url, { headers: { 'X-Length': length } })
      t.is(await (await ask('4')).text(), 'text')
      for (const short of ['5', '1000000']) await t.throwsAsync(ask(short).then((response) => response.text()))
      for (const long of ['3', '0']) {
        const response = await ask(long)
        t.is(response.status, 500, 'nothing had been sent')
        await response.text()
      }
      // Whoever asks next gets its own answer.
      const next = await ask('4')
      t.is(next.headers.get('content-length'), '4')
      t.is(await next.text(), 'text')
      t.true(errors.every(({ message }) => /^A handler returned a body that is (shorter|longer) than/.test(message)))
      t.is(errors.length, { 'node:http': 0, Fastify: 2 }[kind] ?? 4, 'all that reach the app')
      const head = await fetch(url, { method: 'HEAD', headers: { 'X-Length': '5' } })
      t.is(head.headers.get('content-length'), '5', 'that of the answer to a GET')
    })
  }

  test(`${kind}: a Response without a body that its Content-Length promises is the server's mistake`, async (t) => {
    const { url } = await serveHandler(t, kind, () => new Response(null, { headers: { 'Content-Length': '5' } }))
    const response = await fetch(url)
    t.is(response.status, 500)
    await response.text()
    const empty = await serveHandler(t, kind, () => new Response(null, { headers: { 'Content-Length': '0' } }))
    t.is(await (await fetch(empty.url)).text(), '')
  })

  test(`${kind}: a fetched Response is sent as fetch has decoded it`, async (t) => {
    const address = await upstream(t)
    const { url } = await serveHandler(t, kind, (_request, task) => fetch(address, task))
    const response = await fetch(url)
    t.is(response.status, 206)
    t.is(response.headers.get('content-encoding'), null)
    t.is(response.headers.get('x-own'), 'yes')
    t.is(await response.text(), 'a,b')
  })

  test(`${kind}: a stream that fails before it has begun is answered as any error`, async (t) => {
    const errors = [new Error('unknown'), ours('ERR_TASK_TIMEOUT')]
    for (const error of errors) {
      const failing = () =>
        new Readable({ read: (_size) => {} }).on('newListener', function fail() {
          this.off('newListener', fail)
          setImmediate(() => this.destroy(error))
        })
      const { url } = await serveHandler(t, kind, failing)
      const response = await fetch(url)
      t.is(response.status, error === errors[0] ? 500 : 504)
      await response.text()
    }
    const missing = await serveHandler(t, kind, () => createReadStream('/nowhere/at/all'))
    t.is((await fetch(missing.url)).status, 500)
  })

  test(`${kind}: a stream that fails half-way is cut off, also by what is no body`, async (t) => {
    async function* half() {
      yield 'half'
      await turn()
      throw new Error('half-way')
    }
    for (const make of [() => Readable.from(half()), () => Readable.from(['half', { object: 1 }])]) {
      const { url } = await serveHandler(t, kind, make)
      for (let time = 0; time < 2; time++) await t.throwsAsync(fetch(url).then((response) => response.text()))
    }
    const { url } = await serveHandler(t, kind, () => Readable.from([{ object: 1 }]))
    t.is((await fetch(url)).status, 500)
  })

  test(`${kind}: a stream ends with its client`, async (t) => {
    let stream
    const endless = () => {
      stream = new Readable({
        read() {
          this.push(Buffer.alloc(2 ** 14))
        },
      })
      return stream
    }
    const { url, errors } = await serveHandler(t, kind, endless)
    const client = visit(url)
    await once(client, 'response')
    await hangUp(client)
    await until(() => stream.destroyed, 'the end of the stream')
    t.deepEqual(errors, [])
  })

  test(`${kind}: a stream that has nothing yet ends with its client, too`, async (t) => {
    let stream
    const { url, errors } = await serveHandler(t, kind, () => {
      stream = new Readable({ read() {} })
      return stream
    })
    const client = visit(url)
    await until(() => stream !== undefined, 'the handler')
    await hangUp(client)
    await until(() => stream.destroyed, 'the end of the stream')
    t.deepEqual(errors, [])
  })

  test(`${kind}: a stream that comes when its client has gone is let go`, async (t) => {
    let [stream, reached] = []
    const { url } = await serveHandler(t, kind, async (_request, task) => {
      reached = true
      await once(task.signal, 'abort')
      stream = createReadStream(OWN)
      return stream
    })
    const client = visit(url)
    await until(() => reached, 'the handler')
    await hangUp(client)
    await until(() => stream?.destroyed, 'the end of the stream')
    t.true(stream.closed || stream.destroyed)
  })

  test(`${kind}: a handler that takes the response answers when it likes`, async (t) => {
    const handlers = [
      (_request, _task, response) => void setTimeout(() => answer(response, 'late'), 5),
      async (_request, task, response) => {
        await heavyLoad(1, task)
        setTimeout(() => answer(response, 'late'), 5)
      },
      (_request, _task, response) => {
        setTimeout(() => answer(response, 'late'), 5)
        return kind === 'Fastify' ? undefined : response
      },
    ]
    for (const handler of handlers) {
      const { url, errors } = await serveHandler(t, kind, handler)
      const response = await fetch(url)
      t.is(response.status, 200)
      t.is(await response.text(), 'late')
      t.deepEqual(errors, [])
    }
  })

  test(`${kind}: one that takes it may give a value all the same`, async (t) => {
    for (const [value, body] of [
      [null, 'null'],
      [0, '0'],
      ['text', 'text'],
    ]) {
      const { url } = await serveHandler(t, kind, (_request, _task, _response) => value)
      t.is(await (await fetch(url)).text(), body)
    }
  })

  const formless = {
    'a Map': () => new Map([[1, 2]]),
    'a Set': () => new Set([1]),
    'an Error': () => new Error('as a value'),
    'a Writable': () => new Writable(),
    'an async generator': async function* () {
      yield 1
    },
    'an iterator of map': () => ({ next() {}, [Symbol.asyncIterator]() {} }),
    'a frozen buffer': () => freeze(Buffer.alloc(8)),
    Headers: () => new Headers(),
  }
  for (const [name, make] of Object.entries(formless)) {
    test(`${kind}: ${name} has no form as a body, and is the server's mistake`, async (t) => {
      const { url } = await serveHandler(t, kind, () => make())
      const response = await fetch(url)
      t.is(response.status, 500)
      await response.text()
    })
  }

  test(`${kind}: instances of classes are what they hold`, async (t) => {
    class Point {
      x = 1
    }
    class Money {
      #cents = 199
      toJSON() {
        return this.#cents / 100
      }
    }
    for (const [value, json] of [
      [new Point(), '{"x":1}'],
      [new Money(), '1.99'],
      [Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
      [{}, '{}'],
    ]) {
      const { url } = await serveHandler(t, kind, () => value)
      t.is(await (await fetch(url)).text(), json)
    }
  })
}

for (const kind of KINDS) {
  test(`${kind}: HEAD of a stream has its headers, and reads nothing`, async (t) => {
    const stream = createReadStream(OWN)
    const { url } = await serve(
      t,
      kind,
      offload(() => stream),
    )
    const response = await fetch(url, { method: 'HEAD' })
    t.is(response.status, 200)
    t.is(await response.text(), '')
    await until(() => stream.destroyed)
  })

  test(`${kind}: a handler may hand the request on`, async (t) => {
    const { url, errors } = await serve(
      t,
      kind,
      offload((request, _task, _response, next) => {
        next(request.headers['x-fail'] ? new Error('handed on') : undefined)
        return 'too late'
      }),
    )
    t.is((await fetch(url)).status, 404)
    t.is((await fetch(url, { headers: { 'x-fail': 'yes' } })).status, 500)
    t.is(errors.length, kind in EXPRESS ? 1 : 0)
  })
}

for (const [kind, express] of Object.entries(EXPRESS)) {
  test(`${kind}: JSON is made by the app's own settings`, async (t) => {
    const app = express()
    app.set('json replacer', (key, value) => (key === 'password' ? undefined : value))
    app.set('json escape', true)
    app.set('json spaces', 1)
    app.get(
      '/',
      offload(() => ({ name: '<b>', password: 'secret' })),
    )
    const server = app.listen(0, '127.0.0.1')
    t.teardown(() => server.close())
    await once(server, 'listening')
    const response = await fetch(`http://127.0.0.1:${server.address().port}`)
    t.is(await response.text(), '{\n "name": "\\u003cb\\u003e"\n}')
    t.is(response.headers.get('content-type'), 'application/json; charset=utf-8')
  })

  test(`${kind}: what is large gets no ETag, what is small gets one`, async (t) => {
    const large = 2 ** 20 + 1
    const values = { bytes: (n) => Buffer.alloc(n), text: (n) => 'a'.repeat(n), json: (n) => ['a'.repeat(n)] }
    for (const [name, make] of Object.entries(values)) {
      for (const size of [10, large]) {
        const { url } = await serve(
          t,
          kind,
          offload(() => make(size)),
        )
        const response = await fetch(url)
        t.is(response.headers.get('etag') !== null, size < large, `${name} ${size}`)
        const length = Number(response.headers.get('content-length'))
        t.is((await response.arrayBuffer()).byteLength, length)
        t.true(length >= size)
        const head = await fetch(url, { method: 'HEAD' })
        t.is(head.headers.get('content-length'), String(length))
        for (const header of ['content-type', 'content-length'])
          t.is(head.headers.get(header), response.headers.get(header))
      }
    }
  })

  test(`${kind}: a large body that the client has is not sent again`, async (t) => {
    const route = offload((_request, _task, response) => {
      response.set('Last-Modified', new Date(0).toUTCString())
      return Buffer.alloc(2 ** 20 + 1)
    })
    const { url } = await serve(t, kind, route)
    const request = get(url, { headers: { 'If-Modified-Since': new Date(0).toUTCString() } })
    const [response] = await once(request, 'response')
    t.is(response.statusCode, 304)
    response.resume()
  })
}
