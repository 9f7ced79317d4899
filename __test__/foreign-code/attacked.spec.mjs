// What was found by whoever tried to break it, one test a fault.
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { hash, sort, spin } from 'heavy-load'
import { errorOf } from '../helpers/errors.mjs'
import { ADAPTERS, serveHandler } from '../helpers/http-servers.mjs'
import { openPool } from '../helpers/pool.mjs'
import { until } from '../helpers/turns.mjs'

for (const kind of ADAPTERS) {
  test(`${kind}: a stream that is returned where somebody else has answered is let go`, async (t) => {
    const streams = []
    const answered = async (_request, _task, response) => {
      if (kind === 'Fastify') response.send('answered')
      else response.end('answered')
      const stream = createReadStream(import.meta.filename)
      streams.push(stream)
      return stream
    }
    const { url } = await serveHandler(t, kind, answered)
    t.is(await (await fetch(url)).text(), 'answered')
    await until(() => streams[0]?.closed, 'a closed stream')
    t.true(streams[0].destroyed)
  })

  test(`${kind}: a stream that the handler pipes itself, and returns, is left to it`, async (t) => {
    const piped = async (_request, _task, response) => {
      const raw = kind === 'Fastify' ? response.hijack().raw : response
      raw.writeHead(200)
      const stream = Readable.from(
        (async function* () {
          yield 'a'
          await sleep(20)
          yield 'b'
        })(),
      )
      stream.pipe(raw)
      return stream
    }
    const { url } = await serveHandler(t, kind, piped)
    t.is(await (await fetch(url)).text(), 'ab')
  })
}

test('a signal in a proxy stops its task', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const controller = new AbortController()
  const task = errorOf(spin(1e9, { pool, signal: new Proxy(controller.signal, {}) }))
  await until(() => pool.stats().running === 1, 'a running task')
  controller.abort('enough')
  t.like(await task, { code: 'ABORT_ERR', cause: 'enough' })
})

test('a view with the prototype of another is of its own class afterwards', async (t) => {
  for (const transfer of [true, false]) {
    const view = Object.setPrototypeOf(Int8Array.of(5, -1, 3, 2), Buffer.prototype)
    const sorted = await sort(view, { transfer })
    t.is(Object.prototype.toString.call(sorted), '[object Int8Array]')
    t.deepEqual([...sorted], [-1, 2, 3, 5])
  }
})

test('a stream that always has something leaves others their turn', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const control = new AbortController()
  const endless = (async function* () {
    while (!control.signal.aborted) yield Buffer.alloc(0)
  })()
  const task = errorOf(hash(endless, { pool, timeout: 100 }))
  // Were it never its turn, this would not end.
  t.is((await task).code, 'ERR_TASK_TIMEOUT')
  control.abort()
})

test('a web stream of which something may be missing is refused', async (t) => {
  const read = new Response('hello').body
  for await (const _ of read);
  const cancelled = new Response('hello').body
  await cancelled.cancel()
  const locked = new Response('hello').body
  locked.getReader()
  for (const stream of [read, cancelled, locked]) t.is((await errorOf(hash(stream))).code, 'ERR_INVALID_ARG_VALUE')
  const whole = await hash(new Response('hello').body, { encoding: 'hex' })
  t.is(whole, await hash(Buffer.from('hello'), { encoding: 'hex' }))
})
