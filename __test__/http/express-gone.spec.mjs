// offload: a client that goes away takes its work with it, wherever that is, and nobody is troubled by it.
import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import test from 'ava'
import { heavyLoad } from 'heavy-load'
import { errorHandler, offload } from 'heavy-load/express'
import { EXPRESS, hangUp, KINDS, serve, visit } from '../helpers/http-servers.mjs'
import { ENDLESS, hold, idle, openPool } from '../helpers/pool.mjs'
import { turn, until } from '../helpers/turns.mjs'

/** What the process has said or suffered. The tests take turns, so that it is known of which of them. */
const troubles = []

test.before(() => {
  console.error = (...args) => troubles.push(args)
  for (const event of ['unhandledRejection', 'uncaughtExceptionMonitor', 'warning']) {
    process.on(event, (error) => troubles.push(error))
  }
})

/** Serves a route by an Express that logs errors; `ends` has the promises that the route has returned. */
async function serveLoudly(t, kind, route, options) {
  const ends = []
  const watched = (...args) => {
    const end = route(...args)
    ends.push(end)
    return end
  }
  const server = await serve(t, kind, watched, { ...options, env: 'development' })
  troubles.length = 0
  return { ...server, ends }
}

/** All is over, and was so in silence. */
async function checkSilence(t, { ends, errors, pool }) {
  await Promise.all(ends)
  await idle(pool)
  // Express logs in the next turn.
  await turn()
  await turn()
  t.deepEqual(errors, [])
  t.deepEqual(troubles, [])
}

/** A handler's client goes away, in the midst of what it sends; then the handler does what it is to do. */
async function leave(t, kind, react) {
  const pool = openPool(t, { threads: 1 })
  let reached = false
  const handler = async (request, task) => {
    const gone = once(task.signal, 'abort')
    reached = true
    await gone
    return react(task, request)
  }
  const server = await serveLoudly(t, kind, offload(handler, { pool }))
  const client = visit(server.url, { method: 'POST', headers: { 'Content-Length': 1000 } })
  client.write('part')
  await until(() => reached, 'the handler')
  await hangUp(client)
  await until(() => server.ends.length === 1, 'the route')
  return { ...server, pool }
}

for (const kind of KINDS) {
  test.serial(`${kind}: work that runs`, async (t) => {
    const pool = openPool(t, { threads: 2 })
    const server = await serveLoudly(
      t,
      kind,
      offload((_request, task) => heavyLoad(ENDLESS, task), { pool }),
    )
    for (let time = 1; time <= 3; time++) {
      const client = visit(server.url)
      await until(() => pool.stats().running === 1, 'running work')
      await hangUp(client)
      await until(() => pool.stats().cancelled === time, 'cancelled work')
      await idle(pool)
    }
    await checkSilence(t, { ...server, pool })
    t.like(pool.stats(), { cancelled: 3, completed: 0, failed: 0 })
  })

  test.serial(`${kind}: work that is queued`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const release = await hold(pool)
    const server = await serveLoudly(
      t,
      kind,
      offload((_request, task) => heavyLoad(ENDLESS, task), { pool }),
    )
    const client = visit(server.url)
    await until(() => pool.stats().queued === 1, 'queued work')
    await hangUp(client)
    await until(() => pool.stats().cancelled === 1, 'cancelled work')
    t.is(pool.stats().queued, 0)
    await release()
    await checkSilence(t, { ...server, pool })
  })

  test.serial(`${kind}: all of its work`, async (t) => {
    const pool = openPool(t, { threads: 2 })
    const handler = (_request, task) =>
      Promise.all(Array.from({ length: 5 }, () => heavyLoad(ENDLESS, { ...task, maxThreads: 1 })))
    const server = await serveLoudly(t, kind, offload(handler, { pool }))
    const client = visit(server.url)
    await until(() => pool.stats().running + pool.stats().queued === 5, 'work')
    await hangUp(client)
    await until(() => pool.stats().cancelled === 5, 'cancelled work')
    await checkSilence(t, { ...server, pool })
  })

  test.serial(`${kind}: work that has not begun when the client goes`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    let reached
    const isWaiting = new Promise((resolve) => {
      reached = resolve
    })
    const before = [
      (request, _response, next) => {
        request.once('close', () => next())
        reached()
      },
    ]
    const signals = []
    const handler = (_request, task) => {
      signals.push(task.signal.aborted)
      return heavyLoad(ENDLESS, task)
    }
    const server = await serveLoudly(t, kind, offload(handler, { pool }), { before })
    const client = visit(server.url)
    await isWaiting
    await hangUp(client)
    await until(() => server.ends.length === 1, 'the route')
    await checkSilence(t, { ...server, pool })
    t.deepEqual(signals, [true])
    t.is(pool.stats().completed, 0)
  })

  test.serial(`${kind}: work in the midst of an answer`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const handler = async (_request, task, response) => {
      response.write('half')
      response.end(String(await heavyLoad(ENDLESS, task)))
    }
    const server = await serveLoudly(t, kind, offload(handler, { pool }))
    const client = visit(server.url)
    const [response] = await once(client, 'response')
    response.on('error', () => {})
    await until(() => pool.stats().running === 1, 'running work')
    await hangUp(client)
    await until(() => pool.stats().cancelled === 1, 'cancelled work')
    await checkSilence(t, { ...server, pool })
  })

  test.serial(`${kind}: work of a request that waits for its turn on the connection`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const server = await serveLoudly(
      t,
      kind,
      offload((_request, task) => heavyLoad(ENDLESS, task), { pool }),
    )
    const client = connect(server.port, '127.0.0.1')
    client.write('GET / HTTP/1.1\r\nHost: here\r\n\r\n'.repeat(2))
    await until(() => pool.stats().running + pool.stats().queued === 2, 'work of both')
    await hangUp(client)
    await until(() => pool.stats().cancelled > 0, 'cancelled work')
    await turn()
    t.is(pool.stats().cancelled, 2)
    await checkSilence(t, { ...server, pool })
  })

  const reactions = {
    'returns all the same': () => 'a value',
    'works on': (task) => heavyLoad(1, task),
    'asks its signal': (task) => task.signal.throwIfAborted(),
    'waits for others that heed its signal': (task) => fetch('data:,text', { signal: task.signal }),
    'reads what the client has not sent': (_task, request) => request.toArray(),
  }
  for (const [name, react] of Object.entries(reactions)) {
    test.serial(`${kind}: a handler that ${name} when its client has gone`, async (t) => {
      await checkSilence(t, await leave(t, kind, react))
    })
  }

  test.serial(`${kind}: a mistake of the handler's is one, even if nobody is there`, async (t) => {
    const mistake = new Error('mistake')
    const { ends, errors } = await leave(t, kind, () => {
      throw mistake
    })
    await Promise.all(ends)
    t.deepEqual(errors, kind in EXPRESS ? [mistake] : [])
  })

  test.serial(`${kind}: on one connection, the end of one request is not that of the next`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.teardown(() => agent.destroy())
    const sockets = []
    const signals = []
    const handler = (request, task) => {
      sockets.push(request.socket)
      signals.push(task.signal)
      return heavyLoad(10, task)
    }
    const { url } = await serve(t, kind, offload(handler, { pool }))
    const ask = async () => {
      const [response] = await once(get(url, { agent }), 'response')
      return [response.statusCode, await text(response)]
    }
    t.deepEqual(await ask(), [200, '10'])
    const release = await hold(pool)
    const second = ask()
    await until(() => pool.stats().queued === 1, 'a queued task')
    await release()
    t.deepEqual(await second, [200, '10'])
    t.is(sockets[0], sockets[1])
    t.deepEqual(
      signals.map(({ aborted }) => aborted),
      [false, false],
    )
    // Only what held the pool.
    t.is(pool.stats().cancelled, 1)
  })
}

for (const kind of Object.keys(EXPRESS)) {
  test.serial(`${kind}: errorHandler, after a route of another make`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const route = async (_request, response, next) => {
      const client = new AbortController()
      response.once('close', () => client.abort())
      await heavyLoad(ENDLESS, { pool, signal: client.signal }).catch(next)
    }
    const server = await serveLoudly(t, kind, route, { after: [errorHandler()] })
    const client = visit(server.url)
    await until(() => pool.stats().running === 1, 'running work')
    await hangUp(client)
    await until(() => pool.stats().cancelled === 1, 'cancelled work')
    await checkSilence(t, { ...server, pool })
  })
}
