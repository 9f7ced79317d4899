// offload: a route's timeout is what its request has, however many tasks that calls; by every adapter.
import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import test from 'ava'
import { heavyLoad, spin } from 'heavy-load'
import { ADAPTERS, serveHandler } from '../helpers/http-servers.mjs'
import { openPool } from '../helpers/pool.mjs'
import { until } from '../helpers/turns.mjs'

for (const kind of ADAPTERS) {
  test.serial(`${kind}: tasks one after the other have what is left`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const left = []
    const ran = []
    const handler = async (_request, task) => {
      for (let number = 0; number < 3; number++) {
        left.push(task.timeout)
        // Each would be done in the whole time, and no two of them.
        ran.push(await spin(120, task))
      }
      return 'in time'
    }
    const { url } = await serveHandler(t, kind, handler, { pool, timeout: 200 })
    const response = await fetch(url)
    t.is(response.status, 504)
    t.is((await response.json()).error.code, 'ERR_TASK_TIMEOUT')
    t.true(ran.length <= 1)
    t.true(
      left.every((ms, number) => ms > 0 && (number === 0 || ms <= left[number - 1] - ran[number - 1] + 1)),
      `${left} ${ran}`,
    )
  })

  test.serial(`${kind}: so do the tasks of a map`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    let done = 0
    const handler = async (_request, task) => {
      for await (const _ of pool.map('spin', Array(100).fill(20), task)) done++
      return 'in time'
    }
    const { url } = await serveHandler(t, kind, handler, { timeout: 400 })
    const response = await fetch(url)
    // Or refused, where less is left than a task takes.
    t.true([503, 504].includes(response.status), `${response.status}, ${done} done`)
    t.true(done <= 20, `${done} of 20 ms each, in 400 ms`)
  })

  test.serial(`${kind}: once the time is over no task begins, however its options were copied`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const ways = [
      (task) => heavyLoad(1, task),
      (task) => heavyLoad(1, { ...task }),
      (task) => task.pool.run('spin', 0, task),
    ]
    for (const way of ways) {
      const handler = async (_request, task) => {
        await until(() => isOver(task), 'the end of the time')
        return way(task)
      }
      const { url } = await serveHandler(t, kind, handler, { pool, timeout: 5 })
      const response = await fetch(url)
      t.is(response.status, 504)
      t.is((await response.json()).error.code, 'ERR_TASK_TIMEOUT')
    }
    t.is(pool.stats().completed, 0)
  })

  test.serial(`${kind}: nor is it won back by copies, or lost by a map that waits`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const forever = (function* () {
      for (;;) yield 20
    })()
    const ways = [
      (task) => pool.map('spin', forever, { ...task, concurrency: 1 }),
      (task) => pool.map('spin', { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }, task),
      (task) => pool.map('spin', [new Promise(() => {})], { ...task, ordered: false }),
    ]
    for (const way of ways) {
      const handler = async (_request, task) => {
        for await (const _ of way(task));
      }
      const { url } = await serveHandler(t, kind, handler, { timeout: 150 })
      const { status } = await fetch(url)
      // A refusal, where less was left than a task takes.
      t.true([503, 504].includes(status), String(status))
    }
    const late = async (_request, task) => {
      const copy = { ...task }
      await until(() => isOver(task), 'the end of the time')
      return heavyLoad(1, copy)
    }
    const { url } = await serveHandler(t, kind, late, { timeout: 20 })
    t.is((await fetch(url)).status, 504)
  })

  test.serial(`${kind}: each request has its own, and none where there is none`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const handler = async (_request, task) => (await heavyLoad(1, task)) + task.timeout
    const { url } = await serveHandler(t, kind, handler, { pool, timeout: 60_000 })
    for (let time = 0; time < 3; time++) {
      const began = performance.now()
      const left = (await (await fetch(url)).json()) - 1
      t.true(left <= 60_000 && left >= 60_000 - (performance.now() - began), String(left))
    }
    const without = await serveHandler(t, kind, (_request, task) => ['timeout' in task, heavyLoad(1, task) !== task])
    t.deepEqual(await (await fetch(without.url)).json(), [false, true])
    const endless = await serveHandler(t, kind, (_request, task) => String(task.timeout), { timeout: Infinity })
    t.is(await (await fetch(endless.url)).text(), 'Infinity')
  })

  test.serial(`${kind}: pipelined requests share one listener on their socket, and leave none`, async (t) => {
    const warnings = []
    const onWarning = (warning) => warnings.push(warning)
    process.on('warning', onWarning)
    t.teardown(() => process.off('warning', onWarning))
    const pool = openPool(t, { threads: 1 })
    const listeners = []
    let go
    const gate = new Promise((resolve) => {
      go = resolve
    })
    let socket
    const handler = async (request) => {
      socket = request.socket ?? request.raw.socket
      listeners.push(socket.listenerCount('close'))
      await gate
      return 'ok'
    }
    const { port } = await serveHandler(t, kind, handler, { pool })
    const client = connect(port, '127.0.0.1')
    t.teardown(() => client.destroy())
    client.write('GET / HTTP/1.1\r\nHost: here\r\n\r\n'.repeat(30))
    await until(() => listeners.length === 30, 'all requests')
    t.is(new Set(listeners).size, 1, String(listeners))
    go()
    let received = ''
    client.on('data', (data) => {
      received += data
    })
    await until(() => received.split('HTTP/1.1 200').length === 31, 'all answers')
    await until(() => socket.listenerCount('close') < listeners[0], 'the listener to be gone')
    t.deepEqual(warnings, [])
  })
}

function isOver(task) {
  try {
    return task.timeout === undefined
  } catch {
    return true
  }
}

test('a connection that is kept alive gathers no listeners', async (t) => {
  const counts = []
  const { url } = await serveHandler(t, 'Express 5', (request) => {
    counts.push(request.socket.listenerCount('close'))
    return 'ok'
  })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  for (let time = 0; time < 20; time++) {
    const [response] = await once(get(url, { agent }), 'response')
    t.is(await text(response), 'ok')
  }
  t.is(new Set(counts).size, 1, String(counts))
})
