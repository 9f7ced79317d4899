// offload over HTTP/2: a client that goes away is noticed, however it goes and whatever it has asked for.
import { once } from 'node:events'
import { connect, createServer } from 'node:http2'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import Fastify from 'fastify'
import { heavyLoad } from 'heavy-load'
import { offload } from 'heavy-load/express'
import plugin from 'heavy-load/fastify'
import { ENDLESS, openPool } from '../helpers/pool.mjs'
import { until } from '../helpers/turns.mjs'

const WAYS = {
  'resets the stream': (stream) => stream.close(8),
  'ends the stream': (stream) => stream.destroy(),
  'closes the connection': (_stream, session) => session.destroy(),
}

const countOf = (stream) => ['close', 'aborted'].map((event) => stream.listenerCount(event))

/** A server by HTTP/2 until the test ends; `requests` has those that it was sent. */
async function serve(t, kind, handler, options) {
  const requests = []
  let server
  if (kind === 'Fastify') {
    const app = Fastify({ http2: true })
    await app.register(plugin)
    app.get('/', app.offload(handler, options))
    await app.ready()
    server = app.server
  } else {
    server = createServer(offload(handler, options))
  }
  server.prependListener('request', (_request, { stream }) => requests.push({ stream, before: countOf(stream) }))
  const sessions = new Set()
  server.on('session', (session) => sessions.add(session))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  return { url: `http://127.0.0.1:${server.address().port}`, requests }
}

function ask(t, url, method) {
  const session = connect(url).on('error', () => {})
  t.teardown(() => session.destroy())
  const stream = session.request({ ':path': '/', ':method': method }).on('error', () => {})
  stream.resume()
  return { session, stream }
}

for (const kind of ['node:http2', 'Fastify']) {
  for (const method of ['GET', 'HEAD']) {
    for (const [way, leave] of Object.entries(WAYS)) {
      test(`${kind}: the work of a ${method} ends when the client ${way}`, async (t) => {
        const pool = openPool(t, { threads: 1 })
        const { url } = await serve(t, kind, (_request, task) => heavyLoad(ENDLESS, task), { pool })
        const { stream, session } = ask(t, url, method)
        await until(() => pool.stats().running === 1, 'running work')
        leave(stream, session)
        // A promise is settled before the thread has left the work.
        await until(() => pool.stats().cancelled === 1 && pool.stats().running === 0, 'cancelled work')
        t.pass()
      })
    }
  }

  test(`${kind}: a stream that is being sent ends with its client, every time`, async (t) => {
    const alive = new Set()
    const endless = () => {
      const made = new Readable({
        read() {
          setTimeout(() => this.push('x'), 1)
        },
      })
      alive.add(made)
      return made.once('close', () => alive.delete(made))
    }
    const { url } = await serve(t, kind, endless)
    // It is by the moment at which it leaves whether Node says so by one event or by another.
    const clients = Array.from({ length: 60 }, async (_, index) => {
      const { stream, session } = ask(t, url, 'GET')
      await once(stream, 'response')
      await sleep(index % 10)
      Object.values(WAYS)[index % 3](stream, session)
    })
    await Promise.all(clients)
    await t.notThrowsAsync(until(() => alive.size === 0, 'the end of the streams'))
  })

  for (const method of ['GET', 'HEAD']) {
    test(`${kind}: once a ${method} is answered, nothing listens any more, and nothing was aborted`, async (t) => {
      const signals = []
      const handler = (_request, { signal }) => {
        signals.push(signal)
        return 'text'
      }
      const { url, requests } = await serve(t, kind, handler)
      const { stream } = ask(t, url, method)
      const [headers] = await once(stream, 'response')
      t.is(headers[':status'], 200)
      await until(() => requests[0]?.stream.closed && stream.closed, 'the end of the stream')
      await new Promise(setImmediate)
      t.false(signals[0].aborted)
      t.deepEqual(countOf(requests[0].stream), requests[0].before)
    })
  }
}
