// offload: values that are not there at once, handlers that answer themselves, and what has no form as a body; by every adapter.
import { once } from 'node:events'
import { createReadStream, readFileSync } from 'node:fs'
import { createServer, get } from 'node:http'
import { connect } from 'node:net'
import { Readable, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { freeze, heavyLoad } from 'heavy-load'
import { offload } from 'heavy-load/express'
import { ADAPTERS, EXPRESS, hangUp, KINDS, ours, serve, serveHandler, visit } from '../helpers/http-servers.mjs'
import { ENDLESS } from '../helpers/pool.mjs'
import { until } from '../helpers/turns.mjs'

const BYTES_TYPE = 'application/octet-stream'
const OWN = import.meta.filename

/** Answers, by whatever is the third that a handler takes. */
function answer(response, text) {
  if (typeof response.send === 'function') response.send(text)
  else response.end(text)
}

const CSV_ZSTD = Buffer.from('28b52ffd2003190000612c62', 'hex')

/** A server whose answer is encoded. */
async function upstream(t, coding = 'gzip', body = gzipSync('a,b')) {
  const server = createServer((_request, response) => {
    response.writeHead(206, { 'Content-Encoding': coding, 'Content-Type': 'text/csv', 'X-Own': 'yes' })
    response.end(body)
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
      t.true(
        errors.every(({ message }) =>
          /^The handler of GET \/ returned a body that is (shorter|longer) than/.test(message),
        ),
      )
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

  for (const [coding, body] of [
    ['zstd', CSV_ZSTD],
    ['ZSTD', CSV_ZSTD],
    ['pack200', Buffer.from('unknown')],
    ['pack200, gzip', gzipSync('unknown')],
  ]) {
    test(`${kind}: a fetched Response of ${coding} that fetch has left keeps saying so`, async (t) => {
      const address = await upstream(t, coding, body)
      const { url } = await serveHandler(t, kind, (_request, task) => fetch(address, task))
      const [response] = await once(get(url), 'response')
      const received = await buffer(response)
      // A fetch that knows the coding has decoded it: either way the header is true.
      if (response.headers['content-encoding'] === undefined) t.is(String(received), 'a,b')
      else t.deepEqual([response.headers['content-encoding'], received], [coding, body])
    })
  }

  test(`${kind}: an answer without a body is taken for one, whatever its Content-Length says`, async (t) => {
    const set = (response, status) => {
      if (kind === 'Fastify') void response.code(status).header('Content-Length', '7')
      else Object.assign(response, { statusCode: status }).setHeader('Content-Length', '7')
    }
    const headers = { 'Content-Length': '7' }
    const ways = [
      [202, (_request, _task, response) => set(response, 202)],
      [204, (_request, _task, response) => set(response, 204)],
      [204, (_request, _task, response) => set(response, 204) ?? Readable.from(['text'])],
      [204, () => new Response(null, { status: 204, headers })],
      [304, () => new Response(null, { status: 304, headers })],
    ]
    for (const [status, answer] of ways) {
      // Of one parameter: what it gives is sent.
      const handler = Object.defineProperty((...all) => answer(...all), 'length', { value: 1 })
      const { port } = await serveHandler(t, kind, handler)
      const client = connect(port, '127.0.0.1')
      t.teardown(() => client.destroy())
      let received = ''
      client.on('data', (data) => {
        received += data
      })
      client.write('GET / HTTP/1.1\r\nHost: here\r\n\r\n'.repeat(2))
      await until(() => received.split(`HTTP/1.1 ${status}`).length === 3, `two answers of ${status}: ${received}`)
      t.is(/content-length: 7/i.test(received), status === 304, 'that of a 304 is of what the client has')
    }
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
    await t.notThrowsAsync(until(() => stream?.destroyed, 'the end of the stream'))
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

  test(`${kind}: a list of promises is awaited, and fails with the first of them`, async (t) => {
    const list = await serveHandler(t, kind, (_request, task) => [1, 2].map((count) => heavyLoad(count, task)))
    t.deepEqual(await (await fetch(list.url)).json(), [1, 2])
    const failing = await serveHandler(t, kind, (_request, task) => [heavyLoad(1, task), heavyLoad(-1, task)])
    t.is((await fetch(failing.url)).status, 400)
  })

  test(`${kind}: what they reject with when the client has gone ends no process`, async (t) => {
    const unhandled = []
    const listener = (reason) => unhandled.push(reason)
    process.on('unhandledRejection', listener)
    t.teardown(() => process.off('unhandledRejection', listener))
    let all
    const { url } = await serveHandler(t, kind, (_request, task) => {
      all = [heavyLoad(ENDLESS, task), heavyLoad(ENDLESS, task)]
      return all
    })
    const client = visit(url)
    await until(() => all !== undefined, 'the handler')
    await hangUp(client)
    await Promise.allSettled(all)
    await turn()
    t.deepEqual(unhandled, [])
  })

  const nested = {
    'a Map': [() => ({ a: [{ 'b c': new Map([[1, 2]]) }] }), '(Map) at a[0].b c'],
    'a promise': [() => ({ work: Promise.reject(new Error('of nobody')) }), '(Promise) at work'],
    'an Error': [() => [Object.assign(new Error('a path'), { path: '/etc' })], '(Error) at [0]'],
    'a stream': [() => ({ file: new Readable({ read() {} }) }), '(Readable) at file'],
  }
  for (const [name, [make, says]] of Object.entries(nested)) {
    test(`${kind}: ${name} in an object is a mistake, too, and is found by its place and its route`, async (t) => {
      const { url, errors } = await serveHandler(t, kind, () => make())
      const response = await fetch(url)
      t.is(response.status, 500)
      const text = await response.text()
      const [error] = errors
      const route = kind === 'node:http' ? 'GET' : 'GET /'
      const message = `The handler of ${route} returned an object ${says}, for which JSON has no place`
      if (kind === 'node:http') t.is(JSON.parse(text).error.message, message)
      else t.is(error.message, message)
    })
  }

  test(`${kind}: what only looks odd in an object is sent`, async (t) => {
    const odd = {
      date: new Date(0),
      bytes: new Uint8Array(1),
      none: undefined,
      empty: {},
      bare: Object.create(null),
      n: NaN,
    }
    const { url } = await serveHandler(t, kind, () => ({ odd, big: Array(5000).fill({ a: 1 }) }))
    t.deepEqual((await (await fetch(url)).json()).odd, JSON.parse(JSON.stringify(odd)))
  })

  test(`${kind}: an Error that is returned is as one that is thrown`, async (t) => {
    const own = await serveHandler(t, kind, () => ours('ERR_OUTPUT_TOO_LARGE'))
    t.is((await fetch(own.url)).status, 413)
    const error = new Error('as a value')
    const { url, errors } = await serveHandler(t, kind, async () => error)
    t.is((await fetch(url)).status, 500)
    t.deepEqual(errors, kind === 'node:http' ? [] : [error])
  })

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
    app.set('json replacer', (key, value) => {
      if (key === 'password') return undefined
      return value instanceof Map ? [...value.keys()] : value
    })
    app.set('json escape', true)
    app.set('json spaces', 1)
    app.get(
      '/',
      offload(() => ({ name: '<b>', password: 'secret', ids: new Map([[7, '']]) })),
    )
    const server = app.listen(0, '127.0.0.1')
    t.teardown(() => server.close())
    await once(server, 'listening')
    const response = await fetch(`http://127.0.0.1:${server.address().port}`)
    t.is(await response.text(), '{\n "name": "\\u003cb\\u003e",\n "ids": [\n  7\n ]\n}')
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
