// closeOnSignals: a server answers what it has been asked, ends its pools, and so comes to its end.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, createServer, get } from 'node:http'
import { connect } from 'node:http2'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { Pool } from 'heavy-load'
import { closeOnSignals } from 'heavy-load/express'
import { startRedis } from '../../tools/redis.mjs'
import { ENDLESS } from '../helpers/pool.mjs'
import { withRedis } from '../helpers/redis.mjs'

const fixture = fileURLToPath(new URL('../fixtures/ending-server.mjs', import.meta.url))

/** A server in a process of its own. */
async function start(t, args, options = {}) {
  const child = spawn(process.execPath, [fixture, ...args], { stdio: ['ignore', 'pipe', 'inherit'], ...options })
  t.teardown(() => child.kill('SIGKILL'))
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => (await lines.next()).value
  const [, port] = /^listening (\d+)$/.exec(await next())
  return { child, exited, next, url: `http://127.0.0.1:${port}/` }
}

for (const kind of ['node:http', 'Fastify']) {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    test(`${kind}, ${signal}: what was asked is answered, then all ends`, async (t) => {
      const { child, exited, next, url } = await start(t, [kind])
      const asked = fetch(`${url}?count=1000`)
      t.is(await next(), 'request')
      child.kill(signal)
      t.is(await (await asked).json(), 1000)
      t.is(await next(), 'ended 1')
      t.deepEqual(await exited, [0, null])
    })
  }
}

for (const kind of ['node:http', 'HTTP/2', 'Fastify']) {
  test(`${kind}: so it is where the app has begun to close the server itself`, async (t) => {
    const { child, exited, next, url } = await start(t, [kind, '', 'closes before'])
    const asked = kind === 'HTTP/2' ? askHttp2(t, url) : fetch(`${url}?count=1000`).then((response) => response.status)
    t.is(await next(), 'request')
    child.kill('SIGTERM')
    t.is(await asked, 200)
    t.is(await next(), 'ended 1')
    t.deepEqual(await exited, [0, null])
  })
}

async function askHttp2(t, url) {
  const session = connect(url)
  t.teardown(() => session.destroy())
  const stream = session.request({ ':path': '/?count=1000' })
  const [headers] = await once(stream, 'response')
  stream.resume()
  return headers[':status']
}

for (const [about, state] of [
  ['has closed before', 'is closed'],
  ['was never started', 'is not started'],
]) {
  test(`a server that ${about} holds nothing`, async (t) => {
    const { child, exited, next } = await start(t, ['node:http', '', state])
    child.kill('SIGTERM')
    t.is(await next(), 'ended 0')
    t.deepEqual(await exited, [0, null])
  })
}

test('how long requests and all may take is for the app to say', async (t) => {
  const options = JSON.stringify({ timeout: 60_000, answerTimeout: 0 })
  const { child, exited, next, url } = await start(t, ['node:http', '', '', options])
  const asked = t.throwsAsync(fetch(`${url}?count=${ENDLESS}`))
  t.is(await next(), 'request')
  child.kill('SIGTERM')
  await asked
  // Its work stops with it.
  t.is(await next(), 'ended 0')
  t.deepEqual(await exited, [0, null])
})

test('who asks again and again on one connection does not hold it', async (t) => {
  const { child, exited, next, url } = await start(t, ['node:http'])
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const ask = async () => {
    const [response] = await once(get(`${url}?count=1000`, { agent }), 'response')
    response.resume()
    await once(response, 'end')
    return response
  }
  const first = ask()
  t.is(await next(), 'request')
  child.kill('SIGTERM')
  const asked = [await first]
  // The second comes on a connection that is there.
  for (;;) {
    const response = await ask().catch(() => undefined)
    if (response === undefined) break
    asked.push(response)
    await next()
  }
  t.deepEqual(
    asked.map(({ statusCode }) => statusCode),
    asked.map(() => 200),
  )
  t.is(asked.at(-1).headers.connection, 'close')
  t.deepEqual(await exited, [0, null])
})

for (const isIdle of [true, false]) {
  test(`HTTP/2: a session ${isIdle ? 'without streams' : 'with work that ends'} does not hold it`, async (t) => {
    const { child, exited, next, url } = await start(t, ['HTTP/2'])
    const session = connect(url)
    t.teardown(() => session.destroy())
    await once(session, 'remoteSettings')
    let answered
    if (!isIdle) {
      const stream = session.request({ ':path': '/?count=1000' })
      answered = once(stream, 'response').then(([headers]) => headers[':status'])
      stream.resume()
      t.is(await next(), 'request')
    }
    child.kill('SIGTERM')
    t.is(await answered, isIdle ? undefined : 200)
    t.is(await next(), `ended ${isIdle ? 0 : 1}`)
    t.deepEqual(await exited, [0, null])
  })
}

test('HTTP/2: work that does not end is cut off', async (t) => {
  const { child, exited, next, url } = await start(t, ['HTTP/2', '', '', '{"timeout":2000}'])
  const session = connect(url).on('error', () => {})
  t.teardown(() => session.destroy())
  const stream = session.request({ ':path': `/?count=${ENDLESS}` }).on('error', () => {})
  stream.resume()
  t.is(await next(), 'request')
  child.kill('SIGTERM')
  t.is(await next(), 'ended 0')
  t.deepEqual(await exited, [0, null])
})

test('a second signal ends it at once', async (t) => {
  const { child, exited, next, url } = await start(t, ['node:http'])
  const asked = t.throwsAsync(fetch(`${url}?count=${ENDLESS}`))
  t.is(await next(), 'request')
  child.kill('SIGTERM')
  const again = setInterval(() => child.kill('SIGTERM'), 100)
  t.deepEqual(await exited, [null, 'SIGTERM'])
  clearInterval(again)
  await asked
})

test('a parent that listens holds it no longer', async (t) => {
  const { child, exited, next } = await start(t, ['node:http'], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  child.kill('SIGINT')
  t.is(await next(), 'ended 0')
  t.deepEqual(await exited, [0, null])
})

withRedis(test, 'a RemotePool that is open', () => {
  test('a RemotePool that is open holds it no longer', async (t) => {
    const redis = await startRedis()
    t.teardown(() => redis.stop())
    const { child, exited, next } = await start(t, ['node:http', redis.url])
    child.kill('SIGTERM')
    t.is(await next(), 'ended 0')
    t.deepEqual(await exited, [0, null])
  })
})

test('what cannot be closed is refused at once', (t) => {
  const pool = new Pool({ threads: 1 })
  t.throws(() => closeOnSignals(), { code: 'ERR_INVALID_ARG_TYPE', message: /"server"/ })
  t.throws(() => closeOnSignals(createServer(), pool, 'pool'), { code: 'ERR_INVALID_ARG_TYPE', message: /"pools"/ })
  for (const [options, code] of [
    [{ timeOut: 1 }, 'ERR_INVALID_ARG_VALUE'],
    [{ timeout: '1' }, 'ERR_INVALID_ARG_TYPE'],
    [{ timeout: 0 }, 'ERR_OUT_OF_RANGE'],
    [{ timeout: 2 ** 31 }, 'ERR_OUT_OF_RANGE'],
    [{ timeout: 1000, answerTimeout: 1001 }, 'ERR_OUT_OF_RANGE'],
  ]) {
    t.throws(() => closeOnSignals(createServer(), pool, options), { code, message: /options\./ })
  }
  return pool.close()
})
