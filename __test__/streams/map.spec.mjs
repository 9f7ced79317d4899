// pool.map: a kernel over many inputs, pulled only as results are consumed.
import { getEventListeners } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import test from 'ava'
import { defaultPool, heavyLoad } from 'heavy-load'
import { runFixture } from '../helpers/child.mjs'
import { ENDLESS, hold, idle, openPool, outcome } from '../helpers/pool.mjs'
import { turn, until } from '../helpers/turns.mjs'

async function collect(iterable) {
  const results = []
  for await (const result of iterable) results.push(result)
  return results
}

/** An iterator over `inputs`, again and again without end, that notes how it is used. */
function watched(inputs) {
  const source = {
    pulled: 0,
    returned: 0,
    next: () => ({ done: false, value: inputs[source.pulled++ % inputs.length] }),
    return: () => {
      source.returned++
      return { done: true, value: undefined }
    },
    [Symbol.iterator]: () => source,
  }
  return source
}

test.serial('yields every result with its index, in the order of the inputs', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const inputs = Array.from({ length: 300 }, (_, index) => (300 - index) * 1000)
  const results = await collect(pool.map('heavyLoad', inputs))
  t.deepEqual(
    results,
    inputs.map((value, index) => ({ index, value })),
  )
})

test.serial('takes kernels by their function, and any iterable', async (t) => {
  const results = await collect(defaultPool.map(heavyLoad, new Set([3, 1, 2])))
  t.deepEqual(results, [
    { index: 0, value: 3 },
    { index: 1, value: 1 },
    { index: 2, value: 2 },
  ])
  t.deepEqual(await collect(defaultPool.map(heavyLoad, [])), [])
})

test.serial('takes async iterables', async (t) => {
  const pool = openPool(t, { threads: 2 })
  async function* inputs() {
    for (let input = 0; input < 50; input++) {
      await turn()
      yield input
    }
  }
  const results = await collect(pool.map('heavyLoad', inputs()))
  t.deepEqual(
    results.map(({ value }) => value),
    [...Array(50).keys()],
  )
})

test.serial('in order, a long task holds back what comes after it; with ordered: false it does not', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const inputs = [1e9, ...Array(10).fill(1000)]
  const ordered = await collect(pool.map('heavyLoad', inputs, { ordered: true }))
  t.is(ordered[0].index, 0)
  const asTheyFinish = await collect(pool.map('heavyLoad', inputs, { ordered: false }))
  t.is(asTheyFinish.at(-1).index, 0)
  t.true(asTheyFinish.every(({ index, value }) => value === inputs[index]))
  t.deepEqual(
    asTheyFinish.map(({ index }) => index).sort((one, other) => one - other),
    ordered.map(({ index }) => index),
  )
})

for (const ordered of [true, false]) {
  for (const concurrency of [1, 5]) {
    test.serial(`pulls no more than ${concurrency} ahead with ordered: ${ordered}`, async (t) => {
      const pool = openPool(t, { threads: 2 })
      const source = watched([1000])
      const results = pool.map('heavyLoad', source, { concurrency, ordered })
      t.is(source.pulled, 0, 'nothing before the first result is asked for')
      for (let consumed = 1; consumed <= 20; consumed++) {
        await results.next()
        t.true(source.pulled <= consumed + concurrency, `${source.pulled} after ${consumed}`)
      }
      await idle(pool)
      const { pulled } = source
      for (let turns = 0; turns < 10; turns++) await turn()
      t.is(source.pulled, pulled, 'nothing while nobody asks')
      await results.return()
    })
  }
}

test.serial('has a limit by default', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const source = watched([1000])
  const results = pool.map('heavyLoad', source)
  await results.next()
  t.true(source.pulled >= 2 && source.pulled <= 1000, String(source.pulled))
  await results.return()
})

test.serial('runs as many side by side as concurrency says', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const results = pool.map('heavyLoad', watched([ENDLESS]), { concurrency: 3 })
  const next = results.next()
  await until(() => pool.stats().running === 3)
  t.is(pool.stats().queued, 0)
  await Promise.all([pool.close({ force: true }), t.throwsAsync(next, { code: 'ERR_POOL_CLOSED' })])
})

test.serial('leaving the loop cancels what is left and closes the source', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const source = watched([1000, ENDLESS, ENDLESS])
  for await (const { index } of pool.map('heavyLoad', source, { concurrency: 6 })) {
    t.is(index, 0)
    break
  }
  t.is(source.returned, 1)
  await idle(pool)
  const { completed, cancelled } = pool.stats()
  t.is(completed + cancelled, source.pulled)
  t.true(cancelled >= 2)
})

test.serial('throwing in the loop does so, too', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const source = watched([1000, ENDLESS])
  const thrown = new Error('from the loop')
  const loop = async () => {
    for await (const _ of pool.map('heavyLoad', source)) throw thrown
  }
  t.is(await loop().catch((error) => error), thrown)
  t.is(source.returned, 1)
  await idle(pool)
})

test.serial('leaving the loop does not wait for a source that has nothing to give', async (t) => {
  const pool = openPool(t, { threads: 2 })
  let returned = 0
  let pulled = 0
  const source = {
    next: () => (pulled++ === 0 ? Promise.resolve({ done: false, value: 1000 }) : new Promise(() => {})),
    return: async () => ({ done: true, value: returned++ }),
    [Symbol.asyncIterator]: () => source,
  }
  for await (const { value } of pool.map('heavyLoad', source)) {
    t.is(value, 1000)
    break
  }
  t.is(returned, 1)
})

test.serial('an input iterator that throws ends the loop with its error', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const thrown = new Error('from the source')
  const source = watched([ENDLESS])
  const { next } = source
  source.next = () => {
    if (source.pulled === 3) throw thrown
    return next()
  }
  t.is(await collect(pool.map('heavyLoad', source)).catch((error) => error), thrown)
  t.is(source.returned, 0, 'as in any loop, one that threw is not closed')
  await idle(pool)
  t.is(pool.stats().cancelled, 3)
})

test.serial('so does an async one that rejects', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const thrown = new Error('from the source')
  async function* inputs() {
    yield ENDLESS
    throw thrown
  }
  t.is(await collect(pool.map('heavyLoad', inputs())).catch((error) => error), thrown)
  await idle(pool)
  t.is(pool.stats().cancelled, 1)
})

test.serial('a task that fails ends the loop with its error and cancels the rest', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const source = watched([ENDLESS, ENDLESS, 'bad'])
  for (const ordered of [true, false]) {
    source.pulled = 0
    const error = await t.throwsAsync(collect(pool.map('heavyLoad', source, { ordered })))
    t.like(error, { code: 'ERR_INVALID_ARG_TYPE', index: 2 })
    await idle(pool)
  }
  t.is(source.returned, 2)
})

test.serial('task options and kernel options go to every task', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const views = Array.from({ length: 3 }, () => new Uint32Array(new SharedArrayBuffer(4)).fill(1))
  const results = await collect(pool.map('heavyLoadShared', views, { rounds: 1 }))
  // One xorshift32 step from 1.
  t.true(results.every(({ index, value }) => value === views[index] && value[0] === 270369))
  const late = await t.throwsAsync(collect(pool.map('heavyLoad', [1, ENDLESS], { timeout: 20 })))
  t.like(late, { code: 'ERR_TASK_TIMEOUT', index: 1 })
  await t.throwsAsync(collect(pool.map('heavyLoad', [1], { weight: 0 })), { code: 'ERR_OUT_OF_RANGE' })
})

test.serial('a signal ends the loop', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const controller = new AbortController()
  const source = watched([1000, ENDLESS])
  const reason = new Error('enough')
  const results = pool.map('heavyLoad', source, { signal: controller.signal })
  t.like(await results.next(), { done: false, value: { index: 0, value: 1000 } })
  const next = results.next()
  controller.abort(reason)
  const error = await t.throwsAsync(next, { name: 'AbortError', code: 'ABORT_ERR' })
  t.is(error.cause, reason)
  t.is(source.returned, 1)
  await idle(pool)
  const aborted = collect(pool.map('heavyLoad', watched([1]), { signal: controller.signal }))
  await t.throwsAsync(aborted, { code: 'ABORT_ERR' })
})

test.serial('a signal ends the loop also while the source has nothing to give', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const controller = new AbortController()
  let returned = 0
  const source = {
    next: () => new Promise(() => {}),
    return: async () => ({ done: true, value: returned++ }),
    [Symbol.asyncIterator]: () => source,
  }
  const next = pool.map('heavyLoad', source, { signal: controller.signal }).next()
  await turn()
  controller.abort()
  t.is(await outcome(next), 'ABORT_ERR')
  t.is(returned, 1)
})

/** An async generator that gives these inputs and then waits for ever; `closed` once its `finally` has run. */
function waiting(...inputs) {
  const seen = { closed: false }
  async function* source() {
    try {
      yield* inputs
      await new Promise(() => {})
    } finally {
      seen.closed = true
    }
  }
  return Object.assign(source(), { seen })
}

/** Every way in which a loop over an async generator that waits may end, and how the result that was asked for ends with it. */
const ENDS = {
  'an abort': [(_results, _pool, controller) => controller.abort(), 'ABORT_ERR'],
  'a break': [(results) => results.return(), 'ok'],
  'an error that is thrown in': [(results) => results.throw(new Error('mine')).catch(() => {}), 'ok'],
  'a forced close': [(_results, pool) => pool.close({ force: true }), 'ERR_POOL_CLOSED'],
}
for (const [name, [end, expected]] of Object.entries(ENDS)) {
  test.serial(`${name} ends the loop at once while an async generator is waiting`, async (t) => {
    const pool = openPool(t, { threads: 2 })
    const controller = new AbortController()
    const results = pool.map('heavyLoad', waiting(ENDLESS, ENDLESS), { signal: controller.signal })
    const next = outcome(results.next())
    await until(() => pool.stats().running === 2)
    await end(results, pool, controller)
    t.is(await next, expected)
    t.deepEqual(await results.next(), { done: true, value: undefined })
    await idle(pool)
    t.is(pool.stats().cancelled, 2)
    t.is(getEventListeners(controller.signal, 'abort').length, 0)
  })
}

test.serial('a timeout ends the loop at once while an async generator is waiting', async (t) => {
  const pool = openPool(t, { threads: 2 })
  await t.throwsAsync(collect(pool.map('heavyLoad', waiting(ENDLESS), { timeout: 20 })), { code: 'ERR_TASK_TIMEOUT' })
})

test.serial('a download of results that is given up leaves no task behind', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const source = waiting(1000, ENDLESS, ENDLESS)
  const download = Readable.from(pool.map('heavyLoad', source))
  await new Promise((resolve) => download.once('data', resolve))
  await until(() => pool.stats().running === 2)
  download.destroy()
  await idle(pool)
  t.like(pool.stats(), { completed: 1, cancelled: 2 })
})

test.serial('a source that was not being asked is closed before the loop has ended', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const source = waiting(1000, 1000, 1000)
  for await (const _ of pool.map('heavyLoad', source, { concurrency: 1 })) break
  t.true(source.seen.closed)
})

test.serial('streams are let go though they have nothing to give', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const node = new PassThrough({ objectMode: true })
  let cancelled = false
  const web = new ReadableStream({
    start: (controller) => controller.enqueue(1000),
    cancel: () => {
      cancelled = true
    },
  })
  node.write(1000)
  for (const source of [node, web]) {
    const results = pool.map('heavyLoad', source)
    t.like(await results.next(), { value: { value: 1000 } })
    const next = results.next()
    await turn()
    await results.return()
    t.deepEqual(await next, { done: true, value: undefined })
  }
  t.true(node.destroyed)
  t.true(cancelled)
})

test.serial('an error of the source while it is closed does not replace that of a task', async (t) => {
  const pool = openPool(t, { threads: 2 })
  for (const close of [
    () => {
      throw new Error('from closing')
    },
    () => Promise.reject(new Error('from closing')),
  ]) {
    const failing = { ...watched([1000, 'bad']), return: close }
    failing[Symbol.iterator] = () => failing
    await t.throwsAsync(collect(pool.map('heavyLoad', failing)), { code: 'ERR_INVALID_ARG_TYPE' })
    const left = { ...failing, next: watched([1000]).next }
    left[Symbol.iterator] = () => left
    const loop = async () => {
      for await (const _ of pool.map('heavyLoad', left)) break
    }
    await t.throwsAsync(loop(), { message: 'from closing' }, 'with nothing else to tell, it is told')
  }
})

test.serial('promises among the inputs are awaited', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const inputs = [Promise.resolve(3), 1, new Promise((resolve) => setImmediate(resolve, 2))]
  const values = async (source) => (await collect(pool.map('heavyLoad', source))).map(({ value }) => value)
  t.deepEqual(await values(inputs), [3, 1, 2])
  let at = 0
  const byHand = { next: async () => ({ done: at === 3, value: inputs[at++] }), [Symbol.asyncIterator]: () => byHand }
  t.deepEqual(await values(byHand), [3, 1, 2])
  const error = new Error('not there')
  const late = new Promise((_, reject) => setImmediate(reject, error))
  const source = watched([ENDLESS, late])
  t.is(await collect(pool.map('heavyLoad', source, { concurrency: 2 })).catch((reason) => reason), error)
  t.is(source.returned, 1)
  await idle(pool)
})

test.serial('several results may be asked for at once', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const results = pool.map('heavyLoad', [10, 20])
  const answers = await Promise.all([results.next(), results.next(), results.next()])
  t.deepEqual(
    answers.map(({ done, value }) => [done, value?.value]),
    [
      [false, 10],
      [false, 20],
      [true, undefined],
    ],
  )
})

test.serial('no signal is made of a long-lived one for a loop', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const { any } = AbortSignal
  t.teardown(() => {
    AbortSignal.any = any
  })
  AbortSignal.any = () => t.fail('it keeps memory for as long as the signal lives')
  const { signal } = new AbortController()
  for (let loop = 0; loop < 3; loop++) await collect(pool.map('heavyLoad', [1, 2], { signal }))
  t.is(getEventListeners(signal, 'abort').length, 0)
})

test.serial('waits for room instead of being refused', async (t) => {
  const pool = openPool(t, { threads: 2, maxQueue: 0 })
  const inputs = Array.from({ length: 200 }, (_, index) => index * 100)
  for (const ordered of [true, false]) {
    const results = await collect(pool.map('heavyLoad', inputs, { concurrency: 16, ordered }))
    t.deepEqual(
      results.map(({ value }) => value).sort((one, other) => one - other),
      inputs,
    )
  }
})

test.serial('says so when others leave no room at all', async (t) => {
  const pool = openPool(t, { threads: 1, maxQueue: 0 })
  const release = await hold(pool)
  await t.throwsAsync(collect(pool.map('heavyLoad', [1, 2])), { code: 'ERR_POOL_OVERLOADED' })
  await release()
})

test.serial('bad arguments reject at the first result', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const bad = [
    [['heavyLoad', 5], 'ERR_INVALID_ARG_TYPE'],
    [['heavyLoad', undefined], 'ERR_INVALID_ARG_TYPE'],
    [['heavyLoad', null], 'ERR_INVALID_ARG_TYPE'],
    [['heavyLoad', {}], 'ERR_INVALID_ARG_TYPE'],
    [['heavyLoad', [1], null], 'ERR_INVALID_ARG_TYPE'],
    [['heavyLoad', [1], 5], 'ERR_INVALID_ARG_TYPE'],
    [['heavyLoad', [1], { concurrency: '1' }], 'ERR_INVALID_ARG_TYPE'],
    [['heavyLoad', [1], { concurrency: null }], 'ERR_INVALID_ARG_TYPE'],
    [['heavyLoad', [1], { concurrency: 0 }], 'ERR_OUT_OF_RANGE'],
    [['heavyLoad', [1], { concurrency: 1.5 }], 'ERR_OUT_OF_RANGE'],
    [['heavyLoad', [1], { concurrency: Number.NaN }], 'ERR_OUT_OF_RANGE'],
    [['heavyLoad', [1], { ordered: 'no' }], 'ERR_INVALID_ARG_TYPE'],
    [['heavyLoad', [1], { ordered: null }], 'ERR_INVALID_ARG_TYPE'],
    [['heavyLoad', [1], { signal: {} }], 'ERR_INVALID_ARG_TYPE'],
    [['nonesuch', [1]], 'ERR_UNKNOWN_KERNEL'],
    [[undefined, [1]], 'ERR_INVALID_ARG_TYPE'],
  ]
  for (const [args, code] of bad) {
    const results = pool.map(...args)
    await t.throwsAsync(results.next(), { code }, JSON.stringify(args))
    t.deepEqual(await results.next(), { done: true, value: undefined })
  }
})

test.serial('a closed pool takes no inputs', async (t) => {
  const pool = openPool(t, { threads: 1 })
  await pool.close()
  await t.throwsAsync(collect(pool.map('heavyLoad', [1])), { code: 'ERR_POOL_CLOSED' })
})

for (const order of ['in-order', 'as-they-finish']) {
  test.serial(`200,000 inputs take no more memory than a few, ${order}`, async (t) => {
    const { code, stdout, stderr } = await runFixture('map-memory', { args: [order], flags: ['--expose-gc'] })
    t.is(code, 0, stderr)
    const { results, heapGrowth, residentGrowth } = JSON.parse(stdout)
    t.is(results, 200_000)
    t.true(heapGrowth < 2 ** 20, `heap grew by ${heapGrowth}`)
    t.true(residentGrowth < 2 ** 25, `resident memory grew by ${residentGrowth}`)
  })
}

test('what is refused after its memory was taken is not tried again without it', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const taken = new Float64Array(8)
  const refusal = Object.assign(new Error('given up'), { code: 'ERR_POOL_OVERLOADED' })
  const run = pool.run
  let calls = 0
  pool.run = (kernel, input, options) => {
    calls++
    if (input !== taken) return run.call(pool, kernel, input, options)
    structuredClone(taken, { transfer: [taken.buffer] })
    return Promise.reject(refusal)
  }
  // The first runs until the map has ended, so that there is one after which the second could be tried again.
  const inputs = [new Float64Array(2 ** 20).map((_, at) => -at), taken]
  const results = pool.map('sort', inputs, { transfer: true, ordered: false })
  t.is(await t.throwsAsync(collect(results)), refusal)
  t.is(calls, 2)
})

test('nor is a stream of which something was read', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const refusal = Object.assign(new Error('given up'), { code: 'ERR_POOL_OVERLOADED' })
  const run = pool.run
  let calls = 0
  pool.run = async (kernel, input, options) => {
    const call = ++calls
    const digest = await run.call(pool, kernel, input, options)
    if (call !== 2) return digest
    throw refusal
  }
  async function* bytes(count) {
    for (let number = 0; number < count; number++) yield new Uint8Array(2 ** 16)
  }
  // The second ends before the first, after which it could be tried again.
  const results = pool.map('hash', [bytes(1000), bytes(1)], { ordered: false })
  t.is(await t.throwsAsync(collect(results)), refusal)
  t.is(calls, 2)
})

for (const [what, options] of Object.entries({
  'a signal that has aborted': () => ({ signal: AbortSignal.abort() }),
  'a signal that aborts while it is listened to': () => ({
    signal: { aborted: false, addEventListener: (_type, listener) => listener(), removeEventListener() {} },
  }),
})) {
  test(`${what}: a source that was never pulled may fail to be destroyed`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    let destroyed = 0
    const source = new Readable({
      objectMode: true,
      read() {},
      destroy(_error, callback) {
        destroyed++
        callback(new Error('cannot be closed'))
      },
    })
    const closed = new Promise((resolve) => source.once('close', resolve))
    await t.throwsAsync(collect(pool.map('hash', source, options())), { code: 'ABORT_ERR' })
    // An error that nobody hears would have ended the process by then.
    await closed
    t.is(destroyed, 1)
  })
}
