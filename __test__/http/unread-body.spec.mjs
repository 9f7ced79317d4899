// offload: a client that goes away is noticed though the handler does not read what it sends, or not yet; and nothing of that is lost.
import { once } from 'node:events'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import test from 'ava'
import { hash, heavyLoad } from 'heavy-load'
import { ADAPTERS, KINDS, serveHandler } from '../helpers/http-servers.mjs'
import { ENDLESS, idle, openPool } from '../helpers/pool.mjs'
import { until } from '../helpers/turns.mjs'

/** More than the socket and the request keep by themselves, and less than the limit. */
const PART = 200_000

/** A client that has sent a part of what it has announced. */
async function begin(t, port, method, announced) {
  const client = connect(port, '127.0.0.1').on('error', () => {})
  t.teardown(() => client.destroy())
  await once(client, 'connect')
  client.write(`${method} / HTTP/1.1\r\nHost: here\r\nContent-Length: ${announced}\r\n\r\n`)
  client.write(Buffer.alloc(PART))
  return client
}

const WAYS = { destroyed: (client) => client.destroy(), reset: (client) => client.resetAndDestroy() }

for (const kind of ADAPTERS) {
  // Fastify reads what a POST sends before it calls the handler.
  for (const method of kind === 'Fastify' ? ['GET'] : ['GET', 'POST']) {
    for (const [way, leave] of Object.entries(WAYS)) {
      test(`${kind}: the client of a ${method} with a body that nobody reads is ${way}`, async (t) => {
        const pool = openPool(t, { threads: 1 })
        const { port } = await serveHandler(t, kind, (_request, task) => heavyLoad(ENDLESS, task), { pool })
        const client = await begin(t, port, method, 10 * PART)
        await until(() => pool.stats().running === 1, 'the work')
        leave(client)
        await idle(pool)
        t.is(pool.stats().cancelled, 1)
      })
    }
  }

  test(`${kind}: the next request of its connection is answered, too`, async (t) => {
    const { port } = await serveHandler(t, kind, (_request, task) => heavyLoad(1000, task))
    const client = await begin(t, port, 'GET', PART)
    client.write('GET / HTTP/1.1\r\nHost: here\r\n\r\n')
    let received = ''
    client.on('data', (data) => {
      received += data
    })
    await t.notThrowsAsync(until(() => received.split('HTTP/1.1 200').length === 3, 'both answers'))
  })
}

for (const kind of KINDS) {
  for (const size of [1000, PART, 2 ** 18, 2 ** 21]) {
    test(`${kind}: who begins to read ${size} bytes late gets all of them`, async (t) => {
      const body = Buffer.from(Array.from({ length: size }, (_, index) => index))
      let read
      const handler = async (request, task) => {
        await heavyLoad(1e6, task)
        return read(request, task)
      }
      const { url } = await serveHandler(t, kind, handler)
      const ask = async () => Buffer.from(await (await fetch(url, { method: 'POST', body })).arrayBuffer())
      read = (request) => buffer(request)
      t.true((await ask()).equals(body))
      read = (request, task) => hash(request, task)
      t.deepEqual(await ask(), await hash(body))
      // Nobody reads it, and the connection serves on.
      read = () => 'unread'
      for (let time = 0; time < 3; time++) t.is(String(await ask()), 'unread')
    })
  }

  test(`${kind}: a GET whose body the handler reads at once has it, too`, async (t) => {
    const { port } = await serveHandler(t, kind, (request, task) => hash(request, { ...task, encoding: 'hex' }))
    const client = await begin(t, port, 'GET', PART)
    let received = ''
    client.on('data', (data) => {
      received += data
    })
    const digest = await hash(Buffer.alloc(PART), { encoding: 'hex' })
    await t.notThrowsAsync(until(() => received.includes(digest), 'the digest'))
  })
}
