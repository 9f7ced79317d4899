// A remote pool gives the answers and the errors that the kernels' own functions give here.
import { getEventListeners } from 'node:events'
import { Readable } from 'node:stream'
import test from 'ava'
import api from 'heavy-load'
import { RemotePool, startWorker } from 'heavy-load/remote'
import { errorOf } from '../helpers/errors.mjs'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import { keysIn, openClient, openRemote, openWorker } from '../helpers/remote-open.mjs'

const { freeze, hash, heavyLoad, heavyLoadShared, sort, spin } = api

class Own {}
const circle = {}
circle.itself = { circle }

/** Kernel, input, options. */
const CALLS = [
  ['heavyLoad', 123_456],
  ['heavyLoad', 1e6, { priority: 'low', key: 'somebody', weight: 2, maxThreads: 1, timeout: 60_000 }],
  ['heavyLoadShared', new Uint32Array([1, 2, 3]), { rounds: 7, transfer: true }],
  ['hash', Buffer.from('heavy'), { algorithm: 'sha256', encoding: 'hex' }],
  ['hash', Uint8Array.of(1, 2, 3)],
  ['sort', Float64Array.of(3, Number.NaN, -0, 0, -Infinity, 1.5)],
]
const ERRORS = [
  ['heavyLoad', -1],
  ['heavyLoad', 1.5],
  ['heavyLoad', Number.NaN],
  ['heavyLoad', -Infinity],
  ['heavyLoad', '5'],
  ['heavyLoad', 5n],
  ['heavyLoad', undefined],
  ['heavyLoad', null],
  ['heavyLoad', true],
  ['heavyLoad', {}],
  ['heavyLoad', [1]],
  ['heavyLoad', Buffer.from('text')],
  ['spin', -1],
  ['hash', 'text'],
  ['hash', Buffer.from('text'), { algorithm: 'md5' }],
  ['hash', Buffer.from('text'), { algorithm: 5 }],
  ['hash', Buffer.from('text'), { encoding: 'latin1' }],
  ['sort', new DataView(new ArrayBuffer(8))],
  ['sort', [3, 1, 2]],
  ['heavyLoadShared', new Uint32Array(new SharedArrayBuffer(4)), { rounds: -1 }],
  ['heavyLoadShared', new Uint16Array(new SharedArrayBuffer(4))],
  ['no kernel', 1],
  ['', 1],
  ['toString', 1],
  [undefined, 1],
  [5, 1],
  [() => {}, 1],
  ['heavyLoad', 1, null],
  ['heavyLoad', 1, 'options'],
  ['heavyLoad', 1, []],
  ['heavyLoad', 1, { signal: 'now' }],
  ['heavyLoad', 1, { signal: AbortSignal.abort('gone') }],
  ['heavyLoad', 1, { timeout: 0 }],
  ['heavyLoad', 1, { timeout: '1' }],
  ['heavyLoad', 1, { priority: 'highest' }],
  ['heavyLoad', 1, { key: 5 }],
  ['heavyLoad', 1, { weight: 0 }],
  ['heavyLoad', 1, { maxThreads: 0 }],
  ['heavyLoad', 1, { onProgress: 'tell' }],
  ['hash', Buffer.from('text'), { transfer: 'yes' }],
  ['hash', detached()],
  ['hash', new Uint8Array(new ArrayBuffer(4, { maxByteLength: 8 }))],
  ['hash', thawed()],
]
/** What no JSON has, and what these are called. */
const UNSENDABLE = [
  [() => 1, 'a function'],
  [Symbol('one'), 'a symbol'],
  [new Own(), 'an instance of Own'],
  [new Date(0), 'an instance of Date'],
  [new Map(), 'an instance of Map'],
  [Promise.resolve(), 'an instance of Promise'],
  [Readable.from(['a']), 'a stream: read it to its end before'],
  [new Blob(['a']).stream(), 'a stream: read it to its end before'],
  [(async function* () {})(), 'a stream: read it to its end before'],
  [circle, 'an object deeper than 32 levels'],
  [{ deep: [{ in: new Own() }] }, 'an instance of Own'],
]
const WRONG_OPTIONS = [
  [undefined, 'ERR_INVALID_ARG_TYPE', 'options'],
  [null, 'ERR_INVALID_ARG_TYPE', 'options'],
  ['redis://127.0.0.1', 'ERR_INVALID_ARG_TYPE', 'options'],
  [{}, 'ERR_INVALID_ARG_TYPE', 'options.connection'],
  [{ connection: 6379 }, 'ERR_INVALID_ARG_TYPE', 'options.connection'],
  [{ connection: null }, 'ERR_INVALID_ARG_TYPE', 'options.connection'],
  [{ connection: '127.0.0.1:6379' }, 'ERR_INVALID_ARG_VALUE', 'options.connection'],
  [{ connection: 'http://secret@127.0.0.1' }, 'ERR_INVALID_ARG_VALUE', 'options.connection'],
  [withUrl({ queue: 5 }), 'ERR_INVALID_ARG_TYPE', 'options.queue'],
  [withUrl({ queue: '' }), 'ERR_INVALID_ARG_VALUE', 'options.queue'],
  [withUrl({ queue: 'a:b' }), 'ERR_INVALID_ARG_VALUE', 'options.queue'],
  [withUrl({ prefix: 5 }), 'ERR_INVALID_ARG_TYPE', 'options.prefix'],
  [withUrl({ connectTimeout: '1' }), 'ERR_INVALID_ARG_TYPE', 'options.connectTimeout'],
  [withUrl({ connectTimeout: 0 }), 'ERR_OUT_OF_RANGE', 'options.connectTimeout'],
]
const WRONG_POOL_OPTIONS = [
  [{ attempts: 0 }, 'ERR_OUT_OF_RANGE', 'options.attempts'],
  [{ attempts: '3' }, 'ERR_INVALID_ARG_TYPE', 'options.attempts'],
  [{ backoff: -1 }, 'ERR_OUT_OF_RANGE', 'options.backoff'],
  [{ backoff: 'soon' }, 'ERR_INVALID_ARG_TYPE', 'options.backoff'],
  [{ backoff: null }, 'ERR_INVALID_ARG_TYPE', 'options.backoff'],
  [{ backoff: { type: 'linear', delay: 1 } }, 'ERR_INVALID_ARG_VALUE', 'options.backoff.type'],
  [{ backoff: { type: 'fixed' } }, 'ERR_INVALID_ARG_TYPE', 'options.backoff.delay'],
  [{ backoff: { type: 'fixed', delay: 1, dely: 7 } }, 'ERR_INVALID_ARG_VALUE', 'options.backoff.dely'],
  [{ payloadTtl: 0 }, 'ERR_OUT_OF_RANGE', 'options.payloadTtl'],
]
const WRONG_WORKER_OPTIONS = [
  [{ pool: {} }, 'ERR_INVALID_ARG_TYPE', 'options.pool'],
  [{ concurrency: 0 }, 'ERR_OUT_OF_RANGE', 'options.concurrency'],
  [{ lockDuration: 99 }, 'ERR_OUT_OF_RANGE', 'options.lockDuration'],
  [{ lockDuration: '1' }, 'ERR_INVALID_ARG_TYPE', 'options.lockDuration'],
  [{ stalledInterval: 1 }, 'ERR_OUT_OF_RANGE', 'options.stalledInterval'],
  [{ resultTtl: 0 }, 'ERR_OUT_OF_RANGE', 'options.resultTtl'],
  [{ onError: 'tell' }, 'ERR_INVALID_ARG_TYPE', 'options.onError'],
]

function withUrl(options) {
  return { connection: 'redis://127.0.0.1:1', ...options }
}

function detached() {
  const bytes = new Uint8Array(8)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  return bytes
}

function thawed() {
  const frozen = freeze(new Uint8Array(8))
  frozen.thaw()
  return frozen
}

/** All that a caller may match on, and that a log shows. */
function told(error) {
  const { code, name, message, cause } = error
  return { Class: error.constructor, code, name, message, cause }
}

/** Buffers that a call takes away are made anew for each. */
function fresh(input) {
  return ArrayBuffer.isView(input) && input.buffer instanceof ArrayBuffer ? structuredClone(input) : input
}

withRedis(test, 'remote pools', () => {
  const redis = redisFor(test)

  test.serial('every kernel, by name, by function and as an option, answers as here', async (t) => {
    const remote = openRemote(t, redis)
    await openWorker(t, redis, remote)
    for (const [kernel, input, options] of CALLS) {
      const here = await api[kernel](fresh(input), options)
      t.deepEqual(await remote.run(kernel, fresh(input), options), here, kernel)
      t.deepEqual(await remote.run(api[kernel], fresh(input), options), here, kernel)
      t.deepEqual(await api[kernel](fresh(input), { ...options, pool: remote }), here, kernel)
    }
    t.true((await spin(5, { pool: remote })) >= 5)
  })

  test.serial('errors are those of a call that stays here', async (t) => {
    const remote = openRemote(t, redis)
    await openWorker(t, redis, remote)
    for (const [kernel, input, options] of ERRORS) {
      const here = await errorOf(api.defaultPool.run(kernel, input, options))
      const there = await errorOf(remote.run(kernel, input, options))
      t.deepEqual(told(there), told(here), `${here.message} (${there.message})`)
    }
  })

  test.serial('errors that come late show who awaits them', async (t) => {
    const remote = openRemote(t, redis)
    await openWorker(t, redis, remote)
    const away = openRemote(t, { url: 'redis://127.0.0.1:1' }, { connectTimeout: 50 })
    async function theRoute(call) {
      await call()
    }
    const late = {
      ABORT_ERR: () => {
        const control = new AbortController()
        setImmediate(() => control.abort())
        return remote.run('spin', 1e12, { signal: control.signal })
      },
      ERR_TASK_TIMEOUT: () => remote.run('spin', 1e12, { timeout: 300 }),
      ERR_UNKNOWN_KERNEL: () => remote.run('no kernel', 1),
      ERR_REMOTE: () => away.run('heavyLoad', 1),
      ERR_POOL_CLOSED: () => {
        const task = remote.run('spin', 1e12)
        remote.close({ force: true })
        return task
      },
    }
    for (const [code, call] of Object.entries(late)) {
      const error = await errorOf(theRoute(call))
      t.is(error.code, code)
      t.regex(error.stack, /theRoute/)
    }
  })

  test.serial('what cannot be sent is refused at once, and nothing is taken away for it', async (t) => {
    // Nothing is sent: there need not even be a Redis.
    const remote = openRemote(t, { url: 'redis://127.0.0.1:1' })
    for (const [input, what] of UNSENDABLE) {
      for (const call of [
        () => remote.run('hash', input),
        () => hash(new Uint8Array(1), { pool: remote, algorithm: input }),
      ]) {
        const error = await errorOf(call())
        t.true(error instanceof TypeError)
        t.is(error.code, 'ERR_INVALID_ARG_TYPE')
        t.true(error.message.endsWith(` Received ${what}`), error.message)
      }
    }
    const bytes = new Uint8Array(8)
    await errorOf(hash(bytes, { pool: remote, transfer: true, algorithm: Symbol('one') }))
    t.is(bytes.length, 8)
    const frozen = freeze(bytes)
    await errorOf(hash(frozen, { pool: remote, algorithm: Symbol('one') }))
    t.is(frozen.thaw().length, 8)
  })

  test.serial('a closed pool takes nothing', async (t) => {
    const remote = openRemote(t, redis)
    await remote.close()
    const own = new api.Pool()
    await own.close()
    const bytes = new Uint8Array(8)
    const options = { transfer: true }
    t.deepEqual(
      told(await errorOf(remote.run('hash', bytes, options))),
      told(await errorOf(own.run('hash', bytes, options))),
    )
    t.is(bytes.length, 8)
  })

  test.serial('a signal that cannot be listened to rejects, and leaves nothing behind', async (t) => {
    const remote = openRemote(t, redis)
    const broken = new Error('not to be listened to')
    const signal = {
      aborted: false,
      addEventListener() {
        throw broken
      },
      removeEventListener() {},
    }
    const frozen = freeze(new Uint8Array(8))
    t.is(await errorOf(remote.run('hash', frozen, { signal })), broken)
    t.is(frozen.thaw().length, 8)
    await remote.close()
  })

  test.serial('a signal that aborts while it is listened to leaves no listener with the others', async (t) => {
    const remote = openRemote(t, redis)
    const { signal: own } = new AbortController()
    const foreign = {
      aborted: false,
      addEventListener(_type, listener) {
        this.aborted = true
        listener()
      },
      removeEventListener() {},
    }
    t.is((await errorOf(remote.run('heavyLoad', 1, { signal: [foreign, own] }))).code, 'ABORT_ERR')
    t.deepEqual(getEventListeners(own, 'abort'), [])
  })

  test.serial('a signal that aborts while the options are read rejects', async (t) => {
    const remote = openRemote(t, redis)
    const control = new AbortController()
    const options = {
      signal: control.signal,
      get encoding() {
        control.abort('meanwhile')
        return 'hex'
      },
    }
    const error = await errorOf(remote.run('hash', new Uint8Array(1), options))
    t.is(error.code, 'ABORT_ERR')
    t.is(error.cause, 'meanwhile')
    const client = openClient(t, redis)
    t.deepEqual(await keysIn(client, remote), [])
  })

  test.serial("a client of the caller's own, and an object of options, do as a URL does", async (t) => {
    const client = openClient(t, redis)
    for (const connection of [client, { port: redis.port }, { url: redis.url }]) {
      const remote = openRemote(t, redis, { connection })
      await openWorker(t, redis, remote, { connection })
      t.is(await remote.run('heavyLoad', 1000), 1000)
      await remote.close()
      t.is(await client.ping(), 'PONG', "the client is still the caller's")
    }
  })
})

test('wrong options are refused by name', async (t) => {
  const makePool = async (options) => new RemotePool(options)
  const cases = []
  for (const make of [makePool, startWorker]) for (const wrong of WRONG_OPTIONS) cases.push([make, ...wrong])
  for (const [options, ...rest] of WRONG_POOL_OPTIONS) cases.push([makePool, withUrl(options), ...rest])
  for (const [options, ...rest] of WRONG_WORKER_OPTIONS) cases.push([startWorker, withUrl(options), ...rest])
  for (const [make, options, code, name] of cases) {
    const error = await errorOf(make(options))
    t.is(error.code, code, error.message)
    t.true(error.message.includes(`"${name}"`), error.message)
    t.false(error.message.includes('secret'), error.message)
  }
})

/** Kernels' own functions: `name`, `nameSync`, `nameAsync`. */
function kernelsOf(api) {
  return Object.keys(api).filter((name) => `${name}Sync` in api)
}

test('there is a call of every kernel', (t) => {
  const called = new Set([...CALLS, ['spin']].map(([kernel]) => kernel))
  t.deepEqual([...called].sort(), kernelsOf(api).sort())
  for (const form of [hash, heavyLoad, heavyLoadShared, sort, spin]) t.true(called.has(form.kernel))
})
