// offload: handlers that answer themselves, what is told of tasks, and the options of routes.
import test from 'ava'
import { defaultPool, heavyLoad, spin } from 'heavy-load'
import { offload } from 'heavy-load/express'
import { EXPRESS, KINDS, ours, serve, timingOf } from '../helpers/http-servers.mjs'
import { ENDLESS, hold, openPool } from '../helpers/pool.mjs'
import { turn, until } from '../helpers/turns.mjs'

for (const kind of KINDS) {
  test(`${kind}: nothing is sent after a handler that has answered`, async (t) => {
    const own = { 'x-own': 'yes' }
    const handlers = [
      (_request, _task, response) => void response.writeHead(202, own).end('own'),
      (_request, _task, response) => {
        response.writeHead(202, own).end('own')
        return 'another'
      },
      (_request, _task, response) => response.writeHead(202, own).end('own'),
      async (_request, task, response) => {
        await heavyLoad(1, task)
        response.writeHead(202, own).end('own')
        return { another: true }
      },
    ]
    for (const handler of handlers) {
      const { url, errors } = await serve(t, kind, offload(handler))
      const response = await fetch(url)
      t.is(response.status, 202)
      t.is(response.headers.get('x-own'), 'yes')
      t.is(await response.text(), 'own')
      t.deepEqual(errors, [])
    }
  })

  test(`${kind}: a handler may stream`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const route = offload(
      async (_request, task, response) => {
        response.write('first ')
        response.end(String(await heavyLoad(10, task)))
        return 'another'
      },
      { pool },
    )
    const { url, errors } = await serve(t, kind, route)
    t.is(await (await fetch(url)).text(), 'first 10')
    t.deepEqual(errors, [])
  })

  test(`${kind}: an answer that fails half-way is cut off`, async (t) => {
    const known = ours('ERR_TASK_TIMEOUT')
    for (const error of [new Error('unknown'), known]) {
      const route = offload((_request, _task, response) => {
        response.write('half')
        throw error
      })
      const { url, errors } = await serve(t, kind, route)
      // Twice: the server is none the worse for it.
      for (let time = 0; time < 2; time++) await t.throwsAsync(fetch(url).then((response) => response.text()))
      t.deepEqual(errors, kind in EXPRESS ? [error, error] : [])
    }
  })

  test(`${kind}: a handler may cut its client off`, async (t) => {
    for (const value of ['a value', undefined]) {
      const route = offload((_request, _task, response) => {
        response.destroy()
        return value
      })
      const { url, errors } = await serve(t, kind, route)
      await t.throwsAsync(fetch(url))
      t.deepEqual(errors, [])
    }
  })

  test(`${kind}: Server-Timing has what its tasks took, all together`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const route = offload(
      async (_request, task) => {
        const one = await spin(2, task)
        const other = await spin(3, { ...task, maxThreads: 1 })
        return one + other
      },
      { pool },
    )
    const { url } = await serve(t, kind, route)
    const response = await fetch(url)
    const { queue, run } = timingOf(response)
    t.true(queue >= 0)
    // CPU time, which is at most what has passed; the clocks may differ a little.
    t.true(run >= 0.9 * (await response.json()))
  })

  test(`${kind}: Server-Timing has how long its tasks had to wait`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const release = await hold(pool)
    const { url } = await serve(
      t,
      kind,
      offload((_request, task) => heavyLoad(1, task), { pool }),
    )
    const asked = fetch(url)
    await until(() => pool.stats().queued === 1, 'a queued task')
    const from = performance.now()
    await turn()
    const waited = performance.now() - from
    await release()
    t.true(timingOf(await asked).queue >= waited)
  })

  test(`${kind}: no tasks, no Server-Timing`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const route = offload(
      (_request, task) => {
        // It looks at what it was given, and its task is not told of the request.
        t.is(Object.keys({ ...task }).includes('timeout'), true)
        return heavyLoad(1, { pool })
      },
      { timeout: 60_000 },
    )
    const { url } = await serve(t, kind, route)
    const response = await fetch(url)
    t.is(await response.json(), 1)
    t.is(response.headers.get('server-timing'), null)
  })

  test(`${kind}: Server-Timing is added to what middleware has set`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const before = [
      (_request, response, next) => {
        response.setHeader('Server-Timing', 'db;dur=53')
        next()
      },
    ]
    const route = offload((_request, task) => heavyLoad(1, task), { pool })
    const { url } = await serve(t, kind, route, { before })
    const response = await fetch(url)
    t.true(response.headers.get('server-timing').startsWith('db;dur=53, queue;dur='))
    t.not(timingOf(response), undefined)
  })

  test(`${kind}: options are those of every task, by value or by the request`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const fixed = { key: 'a', priority: 'low', timeout: 1e6, weight: 2, maxThreads: 1, pool }
    const byRequest = Object.fromEntries(Object.keys(fixed).map((name) => [name, named(name, fixed[name])]))
    const seen = []
    const handler = (_request, task) => {
      const { signal, ...rest } = task
      seen.push(rest)
      t.true(signal instanceof AbortSignal)
      return heavyLoad(7, task)
    }
    for (const options of [fixed, byRequest]) {
      const { url } = await serve(t, kind, offload(handler, options))
      t.is(await (await fetch(url, { headers: { 'x-name': 'yes' } })).json(), 7)
    }
    const names = Object.keys(fixed).sort()
    for (const options of seen) {
      t.deepEqual(Object.keys(options).sort(), names)
      for (const name of names.filter((name) => name !== 'timeout')) t.is(options[name], fixed[name], name)
      t.true(options.timeout > 0 && options.timeout <= fixed.timeout)
    }
    t.is(seen.length, 2)
    t.is(pool.stats().completed, 2)
  })

  test(`${kind}: an option that a function does not give is not set`, async (t) => {
    const options = { key: () => undefined, pool: () => undefined, timeout: () => undefined }
    const handler = (_request, task) => Object.keys(task)
    const { url } = await serve(t, kind, offload(handler, options))
    t.deepEqual(await (await fetch(url)).json(), ['signal'])
  })

  test(`${kind}: the timeout is for each request by itself`, async (t) => {
    const pool = openPool(t, { threads: 2 })
    const timeout = (request) => Number(request.headers['x-timeout'])
    const handler = (request, task) => heavyLoad(Number(request.headers['x-count']), task)
    const { url } = await serve(t, kind, offload(handler, { pool, timeout }))
    const ask = (count, ms) => fetch(url, { headers: { 'x-count': String(count), 'x-timeout': String(ms) } })
    const [late, good] = await Promise.all([ask(ENDLESS, 30), ask(10, 1e6)])
    t.is(late.status, 504)
    t.is(good.status, 200)
  })

  test(`${kind}: priority lets a request pass another`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const release = await hold(pool)
    const order = []
    const priority = (request) => request.headers['x-priority']
    const handler = async (_request, task) => {
      await heavyLoad(1, task)
      order.push(task.priority)
    }
    const { url } = await serve(t, kind, offload(handler, { pool, priority }))
    const asked = []
    // What holds the pool is of high priority.
    for (const value of ['low', 'normal']) {
      asked.push(fetch(url, { headers: { 'x-priority': value } }))
      await until(() => pool.stats().queued === asked.length, 'a queued task')
    }
    await release()
    await Promise.all(asked)
    t.deepEqual(order, ['normal', 'low'])
  })
}

/** A function of the request that gives the value. */
function named(name, value) {
  return (request) => {
    if (request.headers['x-name'] !== 'yes') throw new Error(`${name}: not the request`)
    return value
  }
}

test('a bad route throws when it is made', (t) => {
  const TYPE = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
  const VALUE = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_VALUE' }
  const RANGE = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' }
  const handler = () => {}
  for (const bad of [undefined, null, 'handler', {}]) t.throws(() => offload(bad), TYPE)
  for (const bad of [null, 'options', 1, []]) t.throws(() => offload(handler, bad), TYPE)
  const mistakes = [
    [TYPE, { timeout: '1000' }, { key: 7 }, { key: null }, { weight: '2' }, { maxThreads: null }],
    [TYPE, { pool: null }, { pool: {} }, { pool: 'mine' }, { onError: 'next' }],
    [VALUE, { priority: 'urgent' }, { priority: 1 }, { errors: 'throw' }],
    [RANGE, { timeout: 0 }, { timeout: -1 }, { timeout: NaN }, { weight: 0 }, { maxThreads: 0 }, { maxThreads: 1.5 }],
  ]
  for (const [error, ...bad] of mistakes) {
    for (const options of bad) {
      const [name] = Object.keys(options)
      const { message } = t.throws(() => offload(handler, options), error, name)
      t.true(message.includes(`options.${name}`), message)
    }
  }
})

test('a misspelt option of a route is told when it is made', (t) => {
  t.throws(() => offload(() => 1, { timOut: 5 }), { code: 'ERR_INVALID_ARG_VALUE', message: /'timeout'/ })
  t.throws(() => offload(() => 1, { signal: AbortSignal.timeout(5) }), { code: 'ERR_INVALID_ARG_VALUE' })
})

test.serial('a default number of threads that is none is told when a route is made that needs it', (t) => {
  const { HEAVY_LOAD_THREADS } = process.env
  t.teardown(() => {
    if (HEAVY_LOAD_THREADS === undefined) delete process.env.HEAVY_LOAD_THREADS
    else process.env.HEAVY_LOAD_THREADS = HEAVY_LOAD_THREADS
  })
  const pool = openPool(t, { threads: 1 })
  process.env.HEAVY_LOAD_THREADS = '2.5'
  const wrong = { code: 'ERR_INVALID_ARG_VALUE', message: /HEAVY_LOAD_THREADS/ }
  t.throws(() => offload(() => 1), wrong)
  t.throws(() => offload(() => 1, { pool: defaultPool }), wrong)
  t.notThrows(() => offload(() => 1, { pool }))
  process.env.HEAVY_LOAD_THREADS = ''
  t.notThrows(() => offload(() => 1))
})
