// offload: how what a handler returns is sent, by every kind of server.
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { hash, hashSync, heavyLoad } from 'heavy-load'
import { offload } from 'heavy-load/express'
import { KINDS, serve } from '../helpers/http-servers.mjs'
import { openPool } from '../helpers/pool.mjs'

const TEXT = 'text/plain; charset=utf-8'
const JSON_TYPE = 'application/json; charset=utf-8'
const BYTES_TYPE = 'application/octet-stream'
const bytes = Uint8Array.of(1, 2, 250)
const floats = Float64Array.of(1.5, -2)

/** Name, value, Content-Type, body. */
const VALUES = [
  ['a Buffer', Buffer.from(bytes), BYTES_TYPE, bytes],
  ['an empty Buffer', Buffer.alloc(0), BYTES_TYPE, ''],
  ['a Uint8Array', bytes, BYTES_TYPE, bytes],
  ['a part of a Uint8Array', Uint8Array.of(9, ...bytes, 9).subarray(1, 4), BYTES_TYPE, bytes],
  ['a Float64Array', floats, BYTES_TYPE, floats.buffer],
  ['a DataView', new DataView(bytes.buffer, 1), BYTES_TYPE, bytes.subarray(1)],
  ['an ArrayBuffer', bytes.buffer, BYTES_TYPE, bytes],
  ['a SharedArrayBuffer', shared(bytes).buffer, BYTES_TYPE, bytes],
  ['a view over a SharedArrayBuffer', shared(bytes), BYTES_TYPE, bytes],
  ['a string', '<b>é</b>', TEXT, '<b>é</b>'],
  ['an empty string', '', TEXT, ''],
  ['a number that could be a status', 404, JSON_TYPE, '404'],
  ['0', 0, JSON_TYPE, '0'],
  ['a fraction', -0.5, JSON_TYPE, '-0.5'],
  ['a boolean', false, JSON_TYPE, 'false'],
  ['null', null, JSON_TYPE, 'null'],
  ['an object', { a: [1, 'é'] }, JSON_TYPE, '{"a":[1,"é"]}'],
  ['an array', [1, null], JSON_TYPE, '[1,null]'],
  ['an object that knows its JSON', new Date(0), JSON_TYPE, '"1970-01-01T00:00:00.000Z"'],
]

function shared(view) {
  const copy = new Uint8Array(new SharedArrayBuffer(view.length))
  copy.set(view)
  return copy
}

/** A route that says what it is to answer by the request's number. */
function routeOf(handlers) {
  return offload((request, task, response) => handlers[Number(request.headers['x-number'])](response, task, request))
}

function ask(url, number, options = {}) {
  return fetch(url, { ...options, headers: { ...options.headers, 'x-number': String(number) } })
}

async function bodyOf(response) {
  return Buffer.from(await response.arrayBuffer())
}

for (const kind of KINDS) {
  test(`${kind}: bytes are sent as they are, a string as text, all else as JSON`, async (t) => {
    const { url, errors } = await serve(
      t,
      kind,
      routeOf(
        VALUES.map(
          ([, value]) =>
            async () =>
              value,
        ),
      ),
    )
    for (const [number, [name, , type, body]] of VALUES.entries()) {
      const response = await ask(url, number)
      t.is(response.status, 200, name)
      t.is(response.headers.get('content-type'), type, name)
      const expected = Buffer.from(body)
      t.is(response.headers.get('content-length'), String(expected.length), name)
      t.deepEqual(await bodyOf(response), expected, name)
    }
    t.deepEqual(errors, [])
  })

  test(`${kind}: a handler need not be asynchronous`, async (t) => {
    const { url } = await serve(
      t,
      kind,
      offload(() => 'at once'),
    )
    t.is(await (await fetch(url)).text(), 'at once')
  })

  test(`${kind}: undefined is 204, and nothing more`, async (t) => {
    const { url } = await serve(
      t,
      kind,
      offload(() => {}),
    )
    for (const method of ['GET', 'POST', 'HEAD']) {
      const response = await fetch(url, { method })
      t.is(response.status, 204, method)
      t.is(response.headers.get('content-type'), null, method)
      t.is(await response.text(), '', method)
    }
  })

  test(`${kind}: a value has no place in a 204`, async (t) => {
    const route = offload((_request, _task, response) => {
      response.statusCode = 204
      return 'text'
    })
    const { url } = await serve(t, kind, route)
    const response = await fetch(url)
    t.is(response.status, 204)
    t.is(response.headers.get('content-type'), null)
    // RFC 9110, 8.6
    t.is(response.headers.get('content-length'), null)
  })

  test(`${kind}: the status that the handler has set is kept`, async (t) => {
    const handlers = [{ id: 7 }, 'made', ''].map((value) => (response) => {
      response.statusCode = 201
      return value
    })
    const { url } = await serve(t, kind, routeOf(handlers))
    for (const [number, body] of ['{"id":7}', 'made', ''].entries()) {
      const response = await ask(url, number)
      t.is(response.status, 201, body)
      t.is(await response.text(), body)
    }
  })

  test(`${kind}: the Content-Type that the handler has set is kept`, async (t) => {
    const values = [
      ['image/png', bytes, 'image/png'],
      // Express adds the charset that it has sent a text in.
      ['text/csv', 'a,b', /^text\/csv(; charset=utf-8)?$/],
      ['application/problem+json', { status: 1 }, /^application\/problem\+json(; charset=utf-8)?$/],
    ]
    const handlers = values.map(([type, value]) => (response) => {
      response.setHeader('Content-Type', type)
      return value
    })
    const { url } = await serve(t, kind, routeOf(handlers))
    for (const [number, [, , expected]] of values.entries()) {
      const response = await ask(url, number)
      const type = response.headers.get('content-type')
      if (expected instanceof RegExp) t.regex(type, expected)
      else t.is(type, expected)
    }
  })

  test(`${kind}: bytes are bytes, whatever realm they come from`, async (t) => {
    const values = ['.buffer', ''].map((part) => runInNewContext(`Uint8Array.of(1, 2, 250)${part}`))
    const { url } = await serve(t, kind, routeOf(values.map((value) => () => value)))
    for (const [number] of values.entries()) {
      const response = await ask(url, number)
      t.is(response.headers.get('content-type'), BYTES_TYPE)
      t.deepEqual(await bodyOf(response), Buffer.from(bytes))
    }
  })

  const notInJson = {
    'a BigInt': 1n,
    'an object with a BigInt': { big: [2n] },
    'a function': () => 1,
    'a symbol': Symbol('s'),
    'an object without JSON': { toJSON() {} },
  }
  for (const [name, value] of Object.entries(notInJson)) {
    test(`${kind}: JSON has no place for ${name}, and so it is the server's mistake`, async (t) => {
      const route = offload(() => value)
      const { url, errors } = await serve(t, kind, route)
      const response = await fetch(url)
      t.is(response.status, 500)
      t.is(errors.length, kind === 'node:http' ? 0 : 1)
      for (const error of errors) t.true(error instanceof TypeError)
    })
  }

  test(`${kind}: HEAD has the headers of GET and no body`, async (t) => {
    const values = ['text', bytes, [1, 2, 3], 404]
    const { url } = await serve(t, kind, routeOf(values.map((value) => () => value)))
    for (const [number] of values.entries()) {
      const [get, head] = [await ask(url, number), await ask(url, number, { method: 'HEAD' })]
      t.is(head.status, 200)
      for (const name of ['content-type', 'content-length']) t.is(head.headers.get(name), get.headers.get(name), name)
      t.is(await head.text(), '')
      t.not(await get.text(), '')
    }
  })

  test(`${kind}: POST, with a body that is worked on`, async (t) => {
    const pool = openPool(t, { threads: 2 })
    const route = offload(
      async (request, task) => {
        const body = Buffer.concat(await request.toArray())
        // The request is closed by now, as it has been read; the client is there.
        return hash(body, task)
      },
      { pool },
    )
    const { url } = await serve(t, kind, route)
    const body = Buffer.alloc(2 ** 20, 'body')
    const response = await fetch(url, { method: 'POST', body })
    t.is(response.status, 200)
    t.is(response.headers.get('content-type'), BYTES_TYPE)
    t.deepEqual(await bodyOf(response), hashSync(body))
    t.is(pool.stats().cancelled, 0)
  })

  test(`${kind}: a task's number is its body`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const route = offload((_request, task) => heavyLoad(500, task), { pool })
    const { url } = await serve(t, kind, route)
    const response = await fetch(url)
    t.is(response.status, 200)
    t.is(await response.json(), 500)
    t.is(pool.stats().completed, 1)
  })
}
