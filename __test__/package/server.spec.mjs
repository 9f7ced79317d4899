// The example server, over real HTTP, with Express 5 and with Express 4.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { get } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import test from 'ava'
import { defaultPool, spin } from 'heavy-load'
import { root } from '../helpers/root.mjs'
import { until } from '../helpers/turns.mjs'

const example = join(root, 'examples/server/index.js')
const require = createRequire(import.meta.url)

/** What the apps of this process have logged. */
const logged = []
const folder = mkdtempSync(join(tmpdir(), 'heavy-load-server-'))

test.before(() => {
  console.log = (line) => logged.push(line)
})
test.after.always(() => rmSync(folder, { recursive: true }))

// The tests of both apps watch the one default pool, so they take turns.
testApp('Express 5', () => require(example).app)
testApp('Express 4', () => require(exampleBeside('express4')).app)

/** A copy of the example in a folder of its own, where `require('express')` finds another version. */
function exampleBeside(express) {
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(dirname(require.resolve(`${express}/package.json`)), join(folder, 'node_modules/express'), 'junction')
  symlinkSync(root, join(folder, 'node_modules/heavy-load'), 'junction')
  symlinkSync(
    dirname(require.resolve('prom-client/package.json')),
    join(folder, 'node_modules/prom-client'),
    'junction',
  )
  copyFileSync(example, join(folder, 'index.js'))
  return join(folder, 'index.js')
}

function testApp(name, load) {
  let server
  let url

  test.before(async () => {
    server = load().listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${server.address().port}`
  })

  test.after.always(() => {
    server.close()
    server.closeAllConnections()
  })

  test.serial(`${name}: / and /fast answer`, async (t) => {
    const home = await fetch(`${url}/`)
    t.is(home.status, 200)
    t.regex(await home.text(), /\/heavy/)
    const fast = await fetch(`${url}/fast`)
    t.is(fast.status, 200)
    t.is(await fast.json(), 'fast')
  })

  test.serial(`${name}: the heavy routes answer with what the work comes to`, async (t) => {
    for (const path of ['/heavy', '/heavy-blocking']) {
      const response = await fetch(`${url}${path}?iterations=1e7`)
      t.is(response.status, 200)
      t.is(await response.json(), 1e7)
    }
    for (const path of ['/non-blocking', '/blocking']) {
      const response = await fetch(`${url}${path}?CPUTimeMs=5.5`)
      t.is(response.status, 200)
      t.true((await response.json()) >= 5.5)
    }
  })

  test.serial(`${name}: bad numbers get 400 and say why`, async (t) => {
    const bad = ['abc', '', '+', '-1', 'NaN', 'Infinity', '1&PARAMETER=2']
    const queries = [
      ...['/heavy', '/heavy-blocking'].flatMap((path) =>
        [...bad, '0.5', '1e300'].map((text) => [path, 'iterations', text]),
      ),
      ...['/non-blocking', '/blocking'].flatMap((path) => bad.map((text) => [path, 'CPUTimeMs', text])),
    ]
    for (const [path, parameter, text] of queries) {
      const query = `${path}?${parameter}=${text.replace('PARAMETER', parameter)}`
      const response = await fetch(url + query)
      t.is(response.status, 400, query)
      const { error } = await response.json()
      t.is(error.code, 'ERR_OUT_OF_RANGE', query)
      t.regex(error.message, /out of range/, query)
    }
  })

  test.serial(`${name}: a timeout of the client's own choice is one that the server can bear`, async (t) => {
    for (const text of ['abc', '', '0', '-1', '1e12', 'Infinity']) {
      const response = await fetch(`${url}/heavy?iterations=1000&timeout=${text}`)
      t.is(response.status, 200, text)
      const ms = require(example).timeoutOf({ query: { timeout: text } })
      t.true(ms > 0 && ms <= 30_000, `${text}: ${ms}`)
    }
  })

  test.serial(`${name}: /metrics tells what was done`, async (t) => {
    const count = async () => {
      const text = await (await fetch(`${url}/metrics`)).text()
      return Number(
        /^heavy_load_tasks_total\{route="\/heavy",.*kernel="heavyLoad",outcome="completed"\} (\d+)$/m.exec(text)?.[1] ??
          0,
      )
    }
    const before = await count()
    for (let request = 0; request < 3; request++) await fetch(`${url}/heavy?iterations=1000`)
    t.is(await count(), before + 3)
  })

  test.serial(`${name}: what is not there gets 404`, async (t) => {
    t.is((await fetch(`${url}/nowhere`)).status, 404)
  })

  test.serial(`${name}: each response is logged on one line`, async (t) => {
    logged.length = 0
    await fetch(`${url}/fast?of=no&interest`)
    await until(() => logged.length > 0)
    await fetch(`${url}/heavy?iterations=none`)
    await until(() => logged.length > 1)
    await fetch(`${url}/nowhere`, { method: 'POST' })
    await until(() => logged.length > 2)
    t.is(logged.length, 3)
    t.regex(logged[0], /^GET \/fast 200 \d+(\.\d+)? ms$/)
    t.regex(logged[1], /^GET \/heavy 400 \d+(\.\d+)? ms$/)
    t.regex(logged[2], /^POST \/nowhere 404 \d+(\.\d+)? ms$/)
  })

  for (const path of ['/heavy?iterations=3e9', '/non-blocking?CPUTimeMs=500']) {
    test.serial(`${name}: /fast is answered while ${path} runs`, async (t) => {
      const answered = []
      const heavy = fetch(url + path).then(() => answered.push('heavy'))
      await until(() => defaultPool.stats().running === 1)
      await fetch(`${url}/fast`).then(() => answered.push('fast'))
      await heavy
      t.deepEqual(answered, ['fast', 'heavy'])
    })
  }

  for (const path of ['/heavy?iterations=1e15', '/non-blocking?CPUTimeMs=1e9']) {
    test.serial(`${name}: a client that goes away stops ${path}`, async (t) => {
      logged.length = 0
      const { cancelled } = defaultPool.stats()
      const request = get(url + path)
      const hungUp = once(request, 'error')
      await until(() => defaultPool.stats().running === 1)
      request.destroy(new Error('on purpose'))
      await hungUp
      await until(() => defaultPool.stats().cancelled === cancelled + 1)
      await until(() => defaultPool.stats().running === 0)
      t.is(logged.length, 1)
      t.regex(logged[0], /^GET \S+ 499 /)
      t.is((await fetch(`${url}/heavy?iterations=1000`)).status, 200)
    })
  }

  test.serial(`${name}: what takes too long gets 504`, async (t) => {
    const response = await fetch(`${url}/heavy?iterations=1e15&timeout=50`)
    t.is(response.status, 504)
    t.is((await response.json()).error.code, 'ERR_TASK_TIMEOUT')
  })

  test.serial(`${name}: what finds the queue full gets 503 and is told when to come back`, async (t) => {
    // What was stopped may still be on its thread, and would take a place.
    await until(() => defaultPool.stats().running + defaultPool.stats().queued === 0)
    const controller = new AbortController()
    const { signal } = controller
    // Those of high priority keep every thread, so that nothing leaves the queue.
    const running = Array.from({ length: defaultPool.threads }, () => spin(1e9, { signal, priority: 'high' }))
    await until(() => defaultPool.stats().running === defaultPool.threads)
    const waiting = Array.from({ length: 16384 }, () => spin(1e9, { signal }))
    const response = await fetch(`${url}/heavy`)
    controller.abort()
    await Promise.allSettled([...running, ...waiting])
    t.is(response.status, 503)
    t.regex(response.headers.get('retry-after'), /^[1-9]\d*$/)
    t.is((await response.json()).error.code, 'ERR_POOL_OVERLOADED')
    await until(() => defaultPool.stats().running + defaultPool.stats().queued === 0)
  })
}

test.serial('run directly it listens on PORT, logs, and on SIGTERM exits when it has answered', async (t) => {
  const server = spawn(process.execPath, [example], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => server.kill('SIGKILL'))
  const exited = once(server, 'exit')
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]()
  const [url] = /http:\S+/.exec((await lines.next()).value)

  t.is((await fetch(`${url}/fast`)).status, 200)
  t.regex((await lines.next()).value, /^GET \/fast 200 /)

  // 'continue' says that the server has the request.
  const request = get(`${url}/heavy?iterations=3e9`, { agent: false, headers: { Expect: '100-continue' } })
  const answered = once(request, 'response')
  await once(request, 'continue')
  server.kill('SIGTERM')
  const [response] = await answered
  t.is(response.statusCode, 200)
  response.resume()
  t.regex((await lines.next()).value, /^GET \/heavy 200 /)
  t.deepEqual(await exited, [0, null])
})
