// closeOnSignals: a server answers what it has been asked, ends its pools, and so comes to its end.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
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
  return pool.close()
})
