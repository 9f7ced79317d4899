// hash of a stream: the digest of all its bytes, as fast as they come, for one task of the pool.
import { createHash } from 'node:crypto'
import { tracingChannel } from 'node:diagnostics_channel'
import { getEventListeners, once } from 'node:events'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { PassThrough, Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { freeze, hash, hashAsync, hashSync, heavyLoad } from 'heavy-load'
import { registerMetrics } from 'heavy-load/metrics'
import { Registry } from 'prom-client'
import { runScript } from '../helpers/child.mjs'
import { errorOf } from '../helpers/errors.mjs'
import { ENDLESS, hold, idle, openPool, outcome } from '../helpers/pool.mjs'
import { turn, until } from '../helpers/turns.mjs'

const MiB = 2 ** 20
const hex = { encoding: 'hex' }
const ALGORITHMS = ['blake3', 'sha256', 'sha512', 'xxh3', 'crc32']
const DATA = Buffer.from({ length: 2 * MiB + 12_345 }).map((_, index) => (index * 31) % 251)

/** The same bytes in pieces of a length. */
function* pieces(length, data = DATA) {
  for (let at = 0; at < data.length; at += length) yield data.subarray(at, at + length)
}

async function* async(chunks) {
  yield* chunks
}

/** A source that gives one chunk and then has nothing more to give, of each kind; `isOver` tells whether it has been let go. */
const WAITING = {
  'a Readable': () => {
    const stream = new PassThrough()
    stream.write('abc')
    return { stream, isOver: () => stream.destroyed }
  },
  'a web stream': () => {
    let over = false
    const stream = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from('abc')),
      cancel: () => {
        over = true
      },
    })
    return { stream, isOver: () => over }
  },
  'an async iterator': () => {
    let asked = 0
    let over = false
    const stream = {
      next: () => (asked++ === 0 ? Promise.resolve({ done: false, value: Buffer.from('abc') }) : new Promise(() => {})),
      return: async () => {
        over = true
        return { done: true, value: undefined }
      },
      [Symbol.asyncIterator]: () => stream,
    }
    return { stream, isOver: () => over }
  },
}

for (const algorithm of ALGORITHMS) {
  test(`${algorithm}: the digest of all the bytes, whatever they come as`, async (t) => {
    const options = { algorithm, ...hex }
    const digest = hashSync(DATA, options)
    const streams = {
      'a Readable': Readable.from(pieces(65536)),
      'a Readable with more at once': Readable.from(pieces(65536), { highWaterMark: 100 }),
      'a web stream': Readable.toWeb(Readable.from(pieces(100_001))),
      'an async generator': async(pieces(7777)),
      'a chunk that is larger than any piece': async([DATA]),
      'chunks of nothing': async([Buffer.alloc(0), DATA, new Uint8Array(0)]),
    }
    for (const [what, stream] of Object.entries(streams)) t.is(await hash(stream, options), digest, what)
    for (const stream of [async([]), Readable.from([]), async([new Uint8Array(0)])]) {
      t.is(await hash(stream, options), hashSync(new Uint8Array(0), options))
    }
  })
}

test('a file', async (t) => {
  const file = fileURLToPath(import.meta.url)
  const digest = await hash(createReadStream(file), { algorithm: 'sha256' })
  t.true(Buffer.isBuffer(digest))
  t.deepEqual(
    digest,
    createHash('sha256')
      .update(await readFile(file))
      .digest(),
  )
})

test('chunks of any kind of bytes, and of memory that is used again for the next', async (t) => {
  const shared = new Uint8Array(new SharedArrayBuffer(3)).fill(7)
  const floats = Float64Array.of(1, 2, 3)
  const bytes = (view) => Buffer.from(view.buffer, view.byteOffset, view.byteLength)
  const chunks = [
    shared,
    floats,
    new DataView(floats.buffer, 8, 9),
    floats.buffer,
    shared.buffer,
    freeze(Uint8Array.of(5)),
  ]
  const all = Buffer.concat([
    bytes(shared),
    bytes(floats),
    bytes(floats).subarray(8, 17),
    bytes(floats),
    bytes(shared),
    Buffer.of(5),
  ])
  t.is(await hash(async(chunks), hex), hashSync(all, hex))
  async function* again() {
    const buffer = Buffer.alloc(1000)
    for (let number = 0; number < 200; number++) yield buffer.fill(number)
  }
  const filled = Buffer.concat(Array.from({ length: 200 }, (_, number) => Buffer.alloc(1000, number)))
  t.is(await hash(again(), hex), hashSync(filled, hex))
})

test.serial('reads no further ahead than it hashes', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const release = await hold(pool)
  let given = 0
  async function* source() {
    for (let number = 0; number < 1000; number++) {
      given += 10_000
      yield Buffer.alloc(10_000)
    }
  }
  const task = hash(source(), { pool, ...hex })
  for (let turns = 0; turns < 50; turns++) await turn()
  t.true(given >= 10_000 && given <= MiB + 20_000, `${given} bytes`)
  await release()
  t.is(await task, hashSync(Buffer.alloc(10_000_000), hex))
})

test.serial('takes nothing of the pool while it waits for input', async (t) => {
  const pool = openPool(t, { threads: 1, maxQueue: 0 })
  const streams = Array.from({ length: 20 }, () => new PassThrough())
  const tasks = []
  for (const stream of streams) {
    tasks.push(hash(stream, { pool, ...hex }))
    stream.write('abc')
    await idle(pool)
  }
  t.is(await heavyLoad(1000, { pool }), 1000)
  // In the middle of a stream nothing is refused, though all have something for the only thread at once.
  for (const stream of streams) stream.end('def')
  t.deepEqual(await Promise.all(tasks), Array(20).fill(hashSync(Buffer.from('abcdef'), hex)))
})

test.serial('counts once: in the statistics, the metrics and the tracing channel', async (t) => {
  const pool = openPool(t, { threads: 1, name: 'streams' })
  const register = new Registry()
  t.teardown(registerMetrics(register, { pools: [pool] }))
  const events = []
  const note = (name) => (event) => {
    if (event.pool === 'streams') events.push(name)
  }
  const subscribers = Object.fromEntries(
    ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((name) => [name, note(name)]),
  )
  const channel = tracingChannel('heavy-load.task')
  channel.subscribe(subscribers)
  t.teardown(() => channel.unsubscribe(subscribers))
  const digest = await hash(async(pieces(10_000)), { pool, ...hex })
  t.is(digest, hashSync(DATA, hex))
  t.deepEqual(events, ['start', 'end', 'asyncStart', 'asyncEnd'])
  await until(() => pool.stats().run.count > 0)
  t.like(pool.stats(), { queued: 0, running: 0, completed: 1, failed: 0, wait: { count: 1 }, run: { count: 1 } })
  const values = async (name) => (await register.getSingleMetric(name).get()).values
  const counts = await values('heavy_load_tasks_total')
  t.deepEqual(
    counts
      .filter(({ value }) => value > 0)
      .map(({ labels: { pool, kernel, outcome }, value }) => [pool, kernel, outcome, value]),
    [['streams', 'hash', 'completed', 1]],
  )
  for (const name of ['heavy_load_wait_seconds', 'heavy_load_run_seconds']) {
    const [{ value }] = (await values(name)).filter(({ metricName }) => metricName === `${name}_count`)
    t.is(value, 1, name)
  }
})

for (const [what, make] of Object.entries(WAITING)) {
  const ENDS = {
    'its signal': [(_pool, controller) => controller.abort(), 'ABORT_ERR', 'cancelled', {}],
    'its timeout': [() => {}, 'ERR_TASK_TIMEOUT', 'timedOut', { timeout: 50 }],
    'a forced close': [(pool) => pool.close({ force: true }), 'ERR_POOL_CLOSED', 'cancelled', {}],
  }
  for (const [how, [end, code, count, options]] of Object.entries(ENDS)) {
    test.serial(`${what} that has nothing to give is let go by ${how}`, async (t) => {
      const pool = openPool(t, { threads: 1 })
      const controller = new AbortController()
      const { stream, isOver } = make()
      const task = errorOf(hash(stream, { pool, signal: controller.signal, ...options }))
      t.false(isOver())
      // Until it waits for more, or its time is over, which may be soon on a busy machine.
      await until(() => isOver() || (pool.stats().wait.count === 1 && pool.stats().running === 0))
      const ended = end(pool, controller)
      t.is((await task).code, code)
      await until(isOver, 'let go')
      await ended
      t.like(pool.stats(), { queued: 0, running: 0, completed: 0, [count]: 1 })
      await pool.close()
    })
  }
}

test.serial('its timeout counts reading, and says how long there was nothing to read', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const { stream } = WAITING['a Readable']()
  const { message } = await errorOf(hash(stream, { pool, timeout: 600 }))
  const said =
    /^hash was not done within its timeout of 600 ms: it waited for [\d.]+ ms, ran for [\d.]+ ms and had no input for ([\d.]+) ms$/
  t.regex(message, said)
  t.true(Number(said.exec(message)[1]) > 0)
})

test.serial('stops in the middle of its work', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const controller = new AbortController()
  async function* endless() {
    for (;;) yield DATA
  }
  const task = outcome(hash(endless(), { pool, algorithm: 'sha512', signal: controller.signal }))
  await until(() => pool.stats().utilization > 0)
  controller.abort()
  t.is(await task, 'ABORT_ERR')
  await idle(pool)
  t.like(pool.stats(), { completed: 0, cancelled: 1 })
  t.is(await heavyLoad(1000, { pool }), 1000)
})

test.serial('an endless stream leaves others their share of the only thread', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const controller = new AbortController()
  async function* endless() {
    for (;;) yield DATA
  }
  const { signal } = controller
  const streams = ['a', 'b', undefined].map((key) =>
    outcome(hash(endless(), { pool, signal, key, algorithm: 'sha512' })),
  )
  await until(() => pool.stats().utilization > 0)
  for (const key of ['a', 'c', undefined]) t.true((await pool.run('spin', 30, { key })) >= 30)
  controller.abort()
  t.deepEqual(await Promise.all(streams), Array(3).fill('ABORT_ERR'))
})

test.serial('close waits for streams that have begun', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const stream = new PassThrough()
  const task = hash(stream, { pool, ...hex })
  stream.write('abc')
  let closed = false
  const closing = pool.close().then(() => {
    closed = true
  })
  for (let turns = 0; turns < 10; turns++) await turn()
  t.false(closed)
  stream.end('def')
  t.is(await task, hashSync(Buffer.from('abcdef'), hex))
  await closing
})

test.serial('an error of the stream is the error of the task', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const broken = new Error('the disk is gone')
  async function* source() {
    yield DATA
    throw broken
  }
  const readable = new Readable({ read: () => setImmediate(() => readable.destroy(broken)) })
  const web = new ReadableStream({ pull: (controller) => controller.error(broken) })
  for (const stream of [source(), readable, web]) t.is(await errorOf(hash(stream, { pool })), broken)
  t.is((await errorOf(hash(createReadStream('/no/such/file'), { pool }))).code, 'ENOENT')
  await idle(pool)
  t.like(pool.stats(), { completed: 0, failed: 4 })
})

test('what is no bytes is refused, by name, and the stream let go', async (t) => {
  for (const chunk of ['text', 5, null, {}, [1]]) {
    const stream = new ReadableStream({ start: (controller) => controller.enqueue(chunk) })
    const { code, message } = await errorOf(hash(stream))
    t.is(code, 'ERR_INVALID_ARG_TYPE')
    t.true(message.startsWith('The "chunk" argument must be an instance of Buffer'), message)
  }
  const text = new PassThrough({ encoding: 'utf8' })
  text.write('abc')
  t.is((await errorOf(hash(text))).code, 'ERR_INVALID_ARG_TYPE')
  t.true(text.destroyed)
  const gone = new Uint8Array(8)
  structuredClone(gone.buffer, { transfer: [gone.buffer] })
  t.is(
    (await errorOf(hash(async([gone])))).message,
    'The "chunk" argument is detached. Received an instance of Uint8Array',
  )
})

test.serial('a chunk that is taken away while it is being read is no shorter chunk', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const release = await hold(pool)
  const large = new Uint8Array(3 * MiB)
  const task = errorOf(hash(async([large]), { pool }))
  for (let turns = 0; turns < 10; turns++) await turn()
  structuredClone(large.buffer, { transfer: [large.buffer] })
  await release()
  t.is((await task).code, 'ERR_INVALID_ARG_VALUE')
})

test.serial('a call that is refused has not touched its stream', async (t) => {
  const pool = openPool(t, { threads: 1, maxQueue: 0 })
  const release = await hold(pool)
  const calls = [
    [{ pool }, 'ERR_POOL_OVERLOADED'],
    [{ pool, algorithm: 'md5' }, 'ERR_INVALID_ARG_VALUE'],
    [{ pool, signal: AbortSignal.abort() }, 'ABORT_ERR'],
    [{ pool, timeout: 0 }, 'ERR_OUT_OF_RANGE'],
  ]
  for (const [options, code] of calls) {
    const readable = Readable.from(pieces(1000))
    const web = Readable.toWeb(Readable.from(pieces(1000)))
    t.is(await outcome(hash(readable, options)), code)
    t.is(await outcome(hash(web, options)), code)
    t.false(readable.destroyed)
    t.false(readable.readableDidRead)
    t.false(web.locked)
  }
  t.like(pool.stats(), { rejected: 2, completed: 0, failed: 0 })
  await release()
})

test('a stream that is being read by somebody else is refused', async (t) => {
  const web = Readable.toWeb(Readable.from(pieces(1000)))
  web.getReader()
  t.is((await errorOf(hash(web))).code, 'ERR_INVALID_ARG_VALUE')
})

test('only the pool form of kernels that can takes streams', async (t) => {
  for (const call of [
    () => hashSync(new PassThrough()),
    () => hashAsync(new PassThrough()),
    () => heavyLoad(new PassThrough()),
  ]) {
    t.is((await errorOf((async () => call())())).code, 'ERR_INVALID_ARG_TYPE')
  }
})

test('progress is told at the end', async (t) => {
  const told = []
  await hash(async(pieces(10_000)), { onProgress: (fraction) => told.push(fraction) })
  t.deepEqual(told, [1])
})

test.serial('map hashes many', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const streams = Array.from({ length: 5 }, () => Readable.from(pieces(100_000)))
  const digests = []
  for await (const { value } of pool.map(hash, streams, { ...hex, concurrency: 2 })) digests.push(value)
  t.deepEqual(digests, Array(5).fill(hashSync(DATA, hex)))
})

test.serial('an upload that takes too long is answered', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const server = createServer(async (req, res) => {
    const error = await errorOf(hash(req, { pool, timeout: 50 }))
    res.writeHead(error.code === 'ERR_TASK_TIMEOUT' ? 504 : 500).end(error.code)
  })
  server.listen(0)
  await once(server, 'listening')
  t.teardown(() => server.close())
  const upload = request({ port: server.address().port, method: 'POST' })
  upload.write('the beginning')
  const [response] = await once(upload, 'response')
  t.is(response.statusCode, 504)
  upload.end('the rest, which nobody reads')
  t.is(Buffer.concat(await response.toArray()).toString(), 'ERR_TASK_TIMEOUT')
})

test('an upload whose client leaves stops', async (t) => {
  let task
  const server = createServer((req) => {
    task = errorOf(hash(req))
    req.once('data', () => upload.destroy())
  })
  server.listen(0)
  await once(server, 'listening')
  t.teardown(() => server.close())
  const upload = request({ port: server.address().port, method: 'POST' })
  upload.on('error', () => {})
  upload.write('the beginning')
  await until(() => task !== undefined)
  t.is((await task).code, 'ECONNRESET')
})

test('a timeout keeps the process alive, and a process that ends waits for no stream', async (t) => {
  const waiting = await runScript(`
    import { PassThrough } from 'node:stream'
    import { hash } from 'heavy-load'
    hash(new PassThrough(), { timeout: 50 }).catch(({ code }) => console.log(code))
  `)
  t.deepEqual([waiting.code, waiting.stdout], [0, 'ERR_TASK_TIMEOUT\n'], waiting.stderr)
  const ending = await runScript(`
    import { hash } from 'heavy-load'
    async function* endless() { for (;;) yield Buffer.alloc(1e6) }
    for (let number = 0; number < 10; number++) hash(endless(), { timeout: 60_000 }).catch(() => {})
    setTimeout(() => process.exit(3), 100)
  `)
  t.deepEqual([ending.code, ending.signal], [3, null], ending.stderr)
})

test.serial('leaves nothing behind: slots and memory are used again', async (t) => {
  const pool = openPool(t, { threads: 1 })
  for (let round = 0; round < 200; round++) {
    const controller = new AbortController()
    const { stream } = WAITING['a Readable']()
    const task = outcome(hash(stream, { pool, signal: controller.signal }))
    if (round % 2 === 0) await turn()
    controller.abort()
    t.is(await task, 'ABORT_ERR')
    t.is(await hash(async([DATA.subarray(0, round)]), { pool, ...hex }), hashSync(DATA.subarray(0, round), hex))
  }
  await idle(pool)
  t.like(pool.stats(), { completed: 200, cancelled: 200 })
  t.is(await outcome(pool.run('heavyLoad', ENDLESS, { timeout: 20 })), 'ERR_TASK_TIMEOUT')
})

test('a stream that somebody reads, or has read, is refused: what it still gives is not all', async (t) => {
  const invalid = {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /^The "data" argument must be a stream that nobody has read from/,
  }
  const twice = Readable.from([Buffer.from('ab'), Buffer.from('cd')])
  const [first, second] = await Promise.allSettled([hash(twice), hash(twice)])
  t.deepEqual(first.value, hashSync(Buffer.from('abcd')))
  t.like(second.reason, { code: invalid.code })
  await t.throwsAsync(hash(twice), invalid)
  const parsed = Readable.from([Buffer.from('{}')])
  await parsed.toArray()
  await t.throwsAsync(hash(parsed), invalid)
  const generator = (async function* () {
    yield Buffer.from('ab')
  })()
  await hash(generator)
  await t.throwsAsync(hash(generator), invalid)
  // An iterable that gives another iterator each time is another stream each time.
  const again = { [Symbol.asyncIterator]: () => Readable.from([Buffer.from('ab')])[Symbol.asyncIterator]() }
  t.deepEqual(await hash(again), await hash(again))
})

test('a stream whose own code ends the task while it is opened is let go', async (t) => {
  const controller = new AbortController()
  let returned = 0
  const input = {
    [Symbol.asyncIterator]() {
      controller.abort()
      return { next: () => new Promise(() => {}), return: async () => ({ done: true, value: returned++ }) }
    },
  }
  await t.throwsAsync(hash(input, { signal: controller.signal, timeout: 1e9 }), { code: 'ABORT_ERR' })
  t.is(returned, 1)
  t.is(getEventListeners(controller.signal, 'abort').length, 0)
})

test('what a stream throws is what the caller gets, whatever it looks like', async (t) => {
  for (const thrown of [
    { code: 'ERR_INVALID_ARG_VALUE', message: 'a path' },
    runInNewContext("Object.assign(new TypeError('a path'), { code: 'ERR_INVALID_ARG_TYPE' })"),
  ]) {
    const input = (async function* () {
      yield new Uint8Array(1)
      throw thrown
    })()
    t.is(await hash(input).catch((error) => error), thrown)
  }
})

test('an iterator may answer with anything that has a then', async (t) => {
  let left = 2
  const then = (answer) => answer(left-- > 0 ? { value: Buffer.from('a') } : { done: true })
  const next = () => Object.fromEntries([['then', then]])
  t.deepEqual(await hash({ [Symbol.asyncIterator]: () => ({ next }) }), hashSync(Buffer.from('aa')))
})
