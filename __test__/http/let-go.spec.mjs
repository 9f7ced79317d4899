// offload: a stream of any make is let go when nobody wants it any more, or when it cannot be sent; by every adapter.
import { EventEmitter, once } from 'node:events'
import { Readable } from 'node:stream'
import test from 'ava'
import { ADAPTERS, hangUp, serveHandler, visit } from '../helpers/http-servers.mjs'
import { turn, until } from '../helpers/turns.mjs'

/** A stream as they were before Node had classes for them; it gives until it is destroyed. */
class OldStream extends EventEmitter {
  readable = true
  destroyed = false
  #timer = setInterval(() => this.emit('data', Buffer.alloc(10)), 1)

  pipe() {}
  pause() {}
  resume() {}

  destroy() {
    this.destroyed = true
    clearInterval(this.#timer)
  }
}

const gives = () =>
  new Readable({
    read() {
      this.push('x')
    },
  })

/** A web stream without end, and whether it was cancelled. */
function endless() {
  const made = { isCancelled: false }
  made.stream = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(1000)),
    cancel() {
      made.isCancelled = true
    },
  })
  return made
}

function fail(_error, done) {
  done(new Error('its end failed'))
}

/** A cursor over rows, of which there are always more. */
function cursor() {
  return {
    [Symbol.asyncIterator]: () => ({
      next: async () => ({ done: false, value: 'row' }),
      return: () => Promise.reject(new Error('its end failed')),
    }),
  }
}

for (const kind of ADAPTERS) {
  test(`${kind}: an old stream is destroyed with its client`, async (t) => {
    let source
    const { url, errors } = await serveHandler(t, kind, () => {
      source = new OldStream()
      return source
    })
    const client = visit(url)
    await once(client, 'response')
    await hangUp(client)
    await until(() => source.destroyed, 'the end of the stream')
    t.deepEqual(errors, [])
  })

  test(`${kind}: an old stream that comes when its client has gone is destroyed`, async (t) => {
    let [source, reached] = []
    const { url } = await serveHandler(t, kind, async (_request, task) => {
      reached = true
      await once(task.signal, 'abort')
      source = new OldStream()
      return source
    })
    const client = visit(url)
    await until(() => reached, 'the handler')
    await hangUp(client)
    await t.notThrowsAsync(until(() => source?.destroyed, 'the end of the stream'))
  })

  const failing = {
    'of objects': () => Readable.from(cursor()),
    'of objects, at once': () => new Readable({ objectMode: true, read() {}, destroy: fail }),
    'of bytes': () => new Readable({ read() {}, destroy: fail }),
  }
  for (const [about, make] of Object.entries(failing)) {
    test(`${kind}: a stream ${about} whose end fails ends no process, whoever has answered`, async (t) => {
      const ways = [
        // The client has gone.
        async (_request, task) => void (await once(task.signal, 'abort')),
        // It has been answered.
        (_request, _task, response) => void (response.raw ?? response).end('own'),
      ]
      for (const [index, before] of ways.entries()) {
        let [stream, reached] = []
        // Of three parameters, since one of them answers.
        const handler = async (request, task, response) => {
          reached = true
          await before(request, task, response)
          stream = make()
          return stream
        }
        const { url } = await serveHandler(t, kind, handler)
        const client = visit(url)
        client.on('response', (response) => response.resume())
        await until(() => reached, 'the handler')
        if (index === 0) await hangUp(client)
        await until(() => stream?.closed, 'the end of the stream')
        t.is(stream.errored?.message, 'its end failed')
        // An error that nobody has listened to has ended the process by then.
        await turn()
      }
    })
  }

  test(`${kind}: an old stream that has ended is not destroyed`, async (t) => {
    const source = Object.assign(new EventEmitter(), {
      readable: true,
      destroyed: false,
      pipe() {},
      pause() {},
      resume() {},
      destroy() {
        source.destroyed = true
      },
    })
    setImmediate(function give() {
      if (source.listenerCount('data') === 0) return void setImmediate(give)
      source.emit('data', Buffer.alloc(10))
      source.emit('end')
    })
    const { url } = await serveHandler(t, kind, () => source)
    t.is((await (await fetch(url)).arrayBuffer()).byteLength, 10)
    t.false(source.destroyed)
  })

  test(`${kind}: a Response with a header that Node refuses is cancelled, and leaves nothing on the answer`, async (t) => {
    const body = endless()
    const headers = { 'content-type': 'image/png', 'x-a': '\x01' }
    const { url } = await serveHandler(t, kind, () => new Response(body.stream, { headers }))
    const response = await fetch(url)
    t.is(response.status, 500)
    t.not(response.headers.get('content-type'), 'image/png')
    await response.text()
    await t.notThrowsAsync(until(() => body.isCancelled, 'the end of the body'))
  })

  test(`${kind}: HEAD and answers without a body read nothing on`, async (t) => {
    const made = []
    const keep = (value) => made[made.push(value) - 1]
    const none = (_request, _task, response) => {
      if (kind === 'Fastify') response.code(304)
      else response.statusCode = 304
      return keep(gives())
    }
    for (const [method, handler] of [
      ['HEAD', () => keep(gives())],
      ['GET', none],
    ]) {
      const { url } = await serveHandler(t, kind, handler)
      await (await fetch(url, { method })).text()
    }
    await until(() => made.every(({ destroyed }) => destroyed), 'the end of the streams')
    t.is(made.length, 2)
  })

  test(`${kind}: HEAD has the headers of GET`, async (t) => {
    const values = [
      () => new Blob(['abc'], { type: 'text/csv' }),
      () => Readable.from(['abc']),
      () => new Response('abc', { headers: { 'Content-Length': '3' } }),
      () => new Response('abc'),
    ]
    for (const make of values) {
      const { url } = await serveHandler(t, kind, () => make())
      const get = await fetch(url)
      t.is(await get.text(), 'abc')
      const head = await fetch(url, { method: 'HEAD' })
      t.truthy(head.headers.get('content-type'))
      for (const name of ['content-type', 'content-length']) t.is(head.headers.get(name), get.headers.get(name), name)
    }
  })

  test(`${kind}: chunks are bytes of every sort; null is none, and cuts off`, async (t) => {
    const chunks = (...all) =>
      new ReadableStream({
        start(controller) {
          for (const chunk of all) controller.enqueue(chunk)
          controller.close()
        },
      })
    const bytes = new Uint8Array([97, 98]).buffer
    for (const make of [
      () => chunks(bytes, 'c', new DataView(bytes, 1)),
      () => Readable.from([bytes, 'c', new DataView(bytes, 1)]),
    ]) {
      const { url } = await serveHandler(t, kind, make)
      t.is(await (await fetch(url)).text(), 'abcb')
    }
    for (const wrong of [null, 7, { a: 1 }]) {
      const { url } = await serveHandler(t, kind, () => chunks('a'.repeat(2 ** 17), wrong, 'b'))
      await t.throwsAsync(
        fetch(url).then((response) => response.text()),
        undefined,
        String(wrong),
      )
    }
  })

  test(`${kind}: what only looks like a stream is answered; a function and a symbol are mistakes`, async (t) => {
    const looks = { pipe() {}, readable: true, on() {} }
    const plain = await serveHandler(t, kind, () => looks)
    t.deepEqual(await (await fetch(plain.url)).json(), { readable: true })
    for (const value of [() => {}, Symbol('value'), { toJSON() {} }]) {
      const { url } = await serveHandler(t, kind, () => value)
      const response = await fetch(url)
      t.is(response.status, 500)
      t.regex(await response.text(), /JSON has no place/)
    }
  })
}
