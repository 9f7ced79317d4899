// offload and errorHandler: which errors are answered, how, and what becomes of all others.

import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import test from 'ava'
import { freeze, hash, heavyLoad, heavyLoadShared } from 'heavy-load'
import { errorHandler, offload } from 'heavy-load/express'
import { RemotePool } from 'heavy-load/remote'
import { EXPRESS, KINDS, ours, serve, timingOf } from '../helpers/http-servers.mjs'
import { ENDLESS, hold, openPool } from '../helpers/pool.mjs'

const JSON_TYPE = 'application/json; charset=utf-8'
const STATUS = {
  ERR_INVALID_ARG_TYPE: 400,
  ERR_INVALID_ARG_VALUE: 400,
  ERR_INVALID_DATA: 400,
  ERR_OUT_OF_MEMORY: 503,
  ERR_OUT_OF_RANGE: 400,
  ERR_OUTPUT_TOO_LARGE: 413,
  ERR_POOL_CLOSED: 503,
  ERR_POOL_OVERLOADED: 503,
  ERR_REMOTE: 503,
  ERR_TASK_TIMEOUT: 504,
}

function failure(code, more) {
  return Object.assign(new Error(`what ${code} says`), { code, ...more })
}

function thrower(error) {
  return () => {
    throw error
  }
}

/** The two ways of an error to its answer: `offload`, and, with Express, `errorHandler` after a route of another make. */
function waysOf(kind) {
  const ways = { offload: (t, error) => serve(t, kind, offload(thrower(error))) }
  if (kind in EXPRESS) {
    const route = (error) => (_request, _response, next) => next(error)
    ways.errorHandler = (t, error) => serve(t, kind, route(error), { after: [errorHandler()] })
  }
  return Object.entries(ways)
}

/** The response is heavy-load's answer to an error with this code; gives the message. */
async function checkAnswer(t, response, code) {
  t.is(response.status, STATUS[code], code)
  t.is(response.headers.get('content-type'), JSON_TYPE)
  const body = await response.json()
  t.deepEqual(Object.keys(body), ['error'])
  t.deepEqual(Object.keys(body.error).sort(), ['code', 'message'])
  t.is(body.error.code, code)
  const retryAfter = response.headers.get('retry-after')
  if (code === 'ERR_POOL_OVERLOADED') t.regex(retryAfter, /^[1-9]\d*$/)
  else if (response.status !== 503) t.is(retryAfter, null)
  return body.error.message
}

for (const kind of KINDS) {
  for (const [way, answered] of waysOf(kind)) {
    test(`${kind}, ${way}: each code has its status`, async (t) => {
      for (const code of Object.keys(STATUS)) {
        const { url, errors } = await answered(t, ours(code, { retryAfter: 3 }))
        t.is(await checkAnswer(t, await fetch(url), code), `what ${code} says`)
        t.deepEqual(errors, [])
      }
    })

    test(`${kind}, ${way}: Retry-After is a whole number of seconds from 1 to 60, if there is any`, async (t) => {
      const cases = [
        [7, '7'],
        [2.1, '3'],
        [0.2, '1'],
        [0, '1'],
        [-5, '1'],
        [61, '60'],
        [13_543_385, '60'],
        [Infinity, '60'],
        [undefined, null],
        [NaN, null],
        ['7', null],
      ]
      for (const [retryAfter, header] of cases) {
        const { url } = await answered(t, ours('ERR_POOL_OVERLOADED', { retryAfter }))
        t.is((await fetch(url)).headers.get('retry-after'), header, String(retryAfter))
      }
    })

    test(`${kind}, ${way}: HEAD and POST are answered, too`, async (t) => {
      const { url } = await answered(t, ours('ERR_TASK_TIMEOUT'))
      const head = await fetch(url, { method: 'HEAD' })
      t.is(head.status, 504)
      t.is(await head.text(), '')
      await checkAnswer(t, await fetch(url, { method: 'POST', body: 'body' }), 'ERR_TASK_TIMEOUT')
    })

    test(`${kind}, ${way}: all other errors are not answered like this`, async (t) => {
      const others = [new Error('other'), failure('ENOENT'), ours('ERR_KERNEL_PANIC'), ours('ABORT_ERR'), 'text']
      // Of Node's making, or of anybody's.
      for (const code of Object.keys(STATUS)) others.push(failure(code))
      // About what whoever wrote the route has chosen.
      for (const code of Object.keys(STATUS).filter((code) => /INVALID_ARG|RANGE/.test(code)))
        others.push(ours(code, {}, 'call'))
      for (const error of others) {
        const { url, errors } = await answered(t, error)
        const response = await fetch(url)
        t.is(response.status, 500)
        await response.text()
        t.deepEqual(errors, kind in EXPRESS ? [error] : [])
      }
    })
  }

  for (const [name, error] of Object.entries({ undefined: undefined, null: null, 'an empty string': '' })) {
    test(`${kind}: ${name} that is thrown is an error`, async (t) => {
      const { url } = await serve(t, kind, offload(thrower(error)))
      t.is((await fetch(url)).status, 500)
    })
  }

  test(`${kind}: what is thrown at once is as what rejects`, async (t) => {
    for (const make of [thrower, (error) => async () => thrower(error)(), (error) => () => Promise.reject(error)]) {
      const known = await serve(t, kind, offload(make(ours('ERR_INVALID_DATA'))))
      await checkAnswer(t, await fetch(known.url), 'ERR_INVALID_DATA')
      const unknown = new Error('unknown')
      const { url, errors } = await serve(t, kind, offload(make(unknown)))
      t.is((await fetch(url)).status, 500)
      t.deepEqual(errors, kind in EXPRESS ? [unknown] : [])
    }
  })

  test(`${kind}: an option's function that throws, or gives what is no option`, async (t) => {
    const handler = (_request, task) => heavyLoad(1, task)
    const unknown = new Error('no tenant')
    const { url, errors } = await serve(t, kind, offload(handler, { key: thrower(unknown) }))
    t.is((await fetch(url)).status, 500)
    t.deepEqual(errors, kind in EXPRESS ? [unknown] : [])
    const bad = {
      ERR_OUT_OF_RANGE: { timeout: () => NaN },
      ERR_INVALID_ARG_VALUE: { priority: () => 'urgent' },
      ERR_INVALID_ARG_TYPE: { key: () => 7 },
    }
    for (const [code, options] of Object.entries(bad)) {
      const { url, errors } = await serve(t, kind, offload(handler, options))
      const response = await fetch(url)
      t.is(response.status, 500, `${code}: the client has no part in it`)
      t.deepEqual(timingOf(response), { queue: 0, run: 0 }, `${code}: a task was called`)
      t.deepEqual(
        errors.map((error) => error.code),
        kind in EXPRESS ? [code] : [],
      )
    }
  })

  test(`${kind}: calls with bad arguments`, async (t) => {
    const calls = {
      ERR_INVALID_ARG_TYPE: (task) => heavyLoad('x', task),
      ERR_INVALID_ARG_VALUE: (task) => hash(Buffer.alloc(1), { ...task, algorithm: 'md1' }),
      ERR_OUT_OF_RANGE: (task) => heavyLoad(-1, task),
    }
    const pool = openPool(t, { threads: 1 })
    for (const [code, call] of Object.entries(calls)) {
      const { url } = await serve(
        t,
        kind,
        offload((_request, task) => call(task), { pool }),
      )
      await checkAnswer(t, await fetch(url), code)
    }
  })

  test(`${kind}: what a client gives in the wrong form is its mistake`, async (t) => {
    const asked = {
      'n=x': ({ n }, task) => heavyLoad(n, task),
      'n=-1': ({ n }, task) => heavyLoad(Number(n), task),
      '': ({ text }, task) => hash(text, task),
    }
    for (const [query, call] of Object.entries(asked)) {
      const route = offload(({ url }, task) => call(Object.fromEntries(new URL(url, 'http://here').searchParams), task))
      const { url, errors } = await serve(t, kind, route)
      t.is((await fetch(`${url}?${query}`)).status, 400, query)
      t.is((await fetch(`${url}?${query}`, { method: 'POST' })).status, 400, query)
      t.deepEqual(errors, [])
    }
  })

  const thawed = freeze(Buffer.alloc(8))
  thawed.thaw()
  const mistakes = {
    'a buffer that was transferred before': async (_request, task) => {
      const bytes = new Uint8Array(4096)
      await hash(bytes, { ...task, transfer: true })
      return hash(bytes, { ...task, transfer: true })
    },
    'a resizable buffer': (_request, task) => hash(new ArrayBuffer(8, { maxByteLength: 16 }), task),
    'memory that cannot be taken': (_request, task) =>
      hash(new WebAssembly.Memory({ initial: 1 }).buffer, { ...task, transfer: true }),
    'a buffer that was thawed': (_request, task) => hash(thawed, task),
    'a buffer that is never copied': (_request, task) => heavyLoadShared(new Uint32Array(8), task),
    'a stream of texts': (_request, task) => hash(Readable.from(['text']), task),
    'a body that was read before': async (request, task) => {
      await text(request)
      return hash(request, task)
    },
    'a body that no parser has read': (request, task) => hash(request.body, task),
  }
  for (const [about, handler] of Object.entries(mistakes)) {
    test(`${kind}: ${about} is the route's mistake`, async (t) => {
      const { url, errors } = await serve(t, kind, offload(handler))
      t.is((await fetch(url, { method: 'POST', body: 'body' })).status, 500)
      t.is(errors.length, kind in EXPRESS ? 1 : 0)
    })
  }

  test(`${kind}: a RemotePool that cannot send an input is the route's mistake, JSON too deep the client's`, async (t) => {
    const remote = new RemotePool({ connection: 'redis://127.0.0.1:1', queue: 'of nobody' })
    t.teardown(() => remote.close({ force: true }))
    const unsendable = [Readable.from(['bytes']), new Blob(['bytes']).stream(), new Date(0), () => {}]
    for (const input of unsendable) {
      const route = offload((_request, task) => hash(input, task), { pool: remote })
      const { url, errors } = await serve(t, kind, route)
      t.is((await fetch(url)).status, 500)
      const codes = errors.map(({ code }) => code)
      t.deepEqual(codes, kind in EXPRESS ? ['ERR_INVALID_ARG_TYPE'] : [])
    }
    let deep = []
    for (let level = 0; level < 1000; level++) deep = [deep]
    const route = offload((_request, task) => remote.run('of a worker', deep, task))
    const { url } = await serve(t, kind, route)
    await checkAnswer(t, await fetch(url), 'ERR_INVALID_ARG_TYPE')
  })

  test(`${kind}: work that takes too long stops`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const route = offload((_request, task) => heavyLoad(ENDLESS, task), { pool, timeout: 200 })
    const { url } = await serve(t, kind, route)
    await checkAnswer(t, await fetch(url), 'ERR_TASK_TIMEOUT')
    t.like(pool.stats(), { timedOut: 1, cancelled: 0, completed: 0 })
  })

  test(`${kind}: work whose own signal is out of time is late, too`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const route = offload(
      (_request, task) =>
        heavyLoad(ENDLESS, { ...task, signal: AbortSignal.any([task.signal, AbortSignal.timeout(30)]) }),
      { pool },
    )
    const { url } = await serve(t, kind, route)
    t.regex(await checkAnswer(t, await fetch(url), 'ERR_TASK_TIMEOUT'), /timeout/)
  })

  test(`${kind}: Server-Timing says where the time of late work went`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const timeout = 300
    let left
    const route = offload(
      (_request, task) => {
        left = task.timeout
        return heavyLoad(ENDLESS, task)
      },
      { pool, timeout },
    )
    const running = await fetch((await serve(t, kind, route)).url)
    t.is(running.status, 504)
    const { queue, run } = timingOf(running)
    t.true(run > 0 && queue + run >= left - 2, `${queue} ${run} of ${left}`)
    const release = await hold(pool)
    // Without a timeout it is let in, whatever is before it.
    const patient = offload((_request, task) =>
      heavyLoad(10, { pool, ...task, signal: AbortSignal.any([task.signal, AbortSignal.timeout(timeout)]) }),
    )
    const queued = await fetch((await serve(t, kind, patient)).url)
    t.is(queued.status, 504)
    t.is(timingOf(queued).run, 0)
    t.true(timingOf(queued).queue >= timeout - 1)
    await release()
  })

  test(`${kind}: a full pool`, async (t) => {
    const pool = openPool(t, { threads: 1, maxQueue: 0 })
    const release = await hold(pool)
    const { url } = await serve(
      t,
      kind,
      offload((_request, task) => heavyLoad(1, task), { pool }),
    )
    const response = await fetch(url)
    await checkAnswer(t, response, 'ERR_POOL_OVERLOADED')
    t.deepEqual(timingOf(response), { queue: 0, run: 0 })
    t.is(pool.stats().rejected, 1)
    await release()
  })

  test(`${kind}: a closed pool, and one that closes under its work`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const route = offload(
      async (_request, task) => {
        const work = heavyLoad(ENDLESS, task)
        await pool.close({ force: true })
        return work
      },
      { pool },
    )
    const { url } = await serve(t, kind, route)
    for (let time = 0; time < 2; time++) await checkAnswer(t, await fetch(url), 'ERR_POOL_CLOSED')
  })

  test(`${kind}: Server-Timing of what was done before the error, once`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const endings = [thrower(ours('ERR_INVALID_DATA')), thrower(new Error('unknown')), () => 1n]
    for (const end of endings) {
      const route = offload(async (_request, task) => end(await heavyLoad(1, task)), { pool })
      const { url } = await serve(t, kind, route)
      const response = await fetch(url)
      t.true(response.status >= 400)
      t.regex(response.headers.get('server-timing'), /^queue;dur=[\d.]+, run;dur=[\d.]+$/)
    }
  })

  test(`${kind}: the answer to an error has none of the headers of the value`, async (t) => {
    const route = offload((_request, _task, response) => {
      response.setHeader('Content-Type', 'text/csv')
      response.setHeader('Content-Length', '12345')
      response.setHeader('Content-Encoding', 'gzip')
      throw ours('ERR_INVALID_DATA')
    })
    const { url } = await serve(t, kind, route)
    await checkAnswer(t, await fetch(url), 'ERR_INVALID_DATA')
  })
}

test.serial('node:http: an unknown error is told in full, but not in production', async (t) => {
  const { NODE_ENV } = process.env
  t.teardown(() => {
    process.env.NODE_ENV = NODE_ENV
  })
  const error = failure('ERR_SECRET')
  const { url } = await serve(t, 'node:http', offload(thrower(error)))
  const response = await fetch(url)
  t.is(response.status, 500)
  t.is(response.headers.get('content-type'), JSON_TYPE)
  t.deepEqual(await response.json(), { error: { code: 'ERR_SECRET', message: error.message, stack: error.stack } })

  process.env.NODE_ENV = 'production'
  const secretive = await fetch(url)
  t.is(secretive.status, 500)
  t.is(secretive.headers.get('content-type'), JSON_TYPE)
  t.deepEqual(await secretive.json(), {
    error: { code: 'ERR_INTERNAL_SERVER_ERROR', message: 'Internal Server Error' },
  })
})

for (const [kind, express] of Object.entries(EXPRESS)) {
  test(`${kind}: of a body that another parser was for, it depends on who has read it`, async (t) => {
    const route = offload((request, task) => hash(request.headers['x-stream'] ? request : request.body, task))
    const { url } = await serve(t, kind, route, { before: [express.json()] })
    const ask = async (type, body, headers) => {
      const response = await fetch(url, { method: 'POST', body, headers: { 'Content-Type': type, ...headers } })
      await response.text()
      return response.status
    }
    t.is(await ask('text/plain', 'text'), 400, 'the client sent another type')
    t.is(await ask('application/json', '{"a":1}'), 400, 'it sent an object')
    t.is(await ask('application/json', '{"a":1}', { 'X-Stream': 'yes' }), 500, 'the parser has read it')
  })

  test(`${kind}: errorHandler does not answer twice`, async (t) => {
    const route = (_request, response, next) => {
      response.write('half')
      next(ours('ERR_INVALID_DATA'))
    }
    const { url, errors } = await serve(t, kind, route, { after: [errorHandler()] })
    await t.throwsAsync(fetch(url).then((response) => response.text()))
    t.is(errors.length, 1)
  })
}

for (const kind of Object.keys(EXPRESS)) {
  test.serial(
    `${kind}: errorHandler without its parentheses is an error, not a request that is never answered`,
    async (t) => {
      const route = (_request, _response, next) => next()
      const { url, errors } = await serve(t, kind, route, { after: [errorHandler] })
      t.is((await fetch(url)).status, 500)
      t.deepEqual(
        errors.map(({ code }) => code),
        ['ERR_INVALID_ARG_VALUE'],
      )
    },
  )
}
