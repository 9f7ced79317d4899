// loadFunctions: the exports of a module of the user's own as tasks of a pool.
import { AsyncLocalStorage } from 'node:async_hooks'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { heavyLoad, loadFunctions, Pool } from 'heavy-load'
import { registerMetrics } from 'heavy-load/metrics'
import { Registry } from 'prom-client'
import { codeOf, errorOf } from '../helpers/errors.mjs'
import { idle, openPool } from '../helpers/pool.mjs'
import { until } from '../helpers/turns.mjs'

const url = new URL('../fixtures/functions.mjs', import.meta.url)

async function load(t, options) {
  const pool = openPool(t, { threads: 2, ...options })
  return { pool, functions: await loadFunctions(url, { pool }) }
}

test('gives what the functions give, and only functions', async (t) => {
  const { pool, functions } = await load(t)
  t.false('notCalled' in functions)
  t.is(functions.add.name, 'add')
  t.is(await functions.add([1, 2]), 3)
  t.is(await functions.empty([]), undefined)
  t.is(await functions.later(['async']), 'async')
  const value = { map: new Map([[1, { date: new Date(0) }]]), big: 1n, list: [undefined, null, Number.NaN] }
  t.deepEqual(await functions.same([value]), value)
  await idle(pool)
  t.is(pool.stats().completed, 4)
})

test('a result that piscina or tinypool would move, is moved', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const functions = await loadFunctions(new URL('../fixtures/functions-moves.mjs', import.meta.url), { pool })
  const bytes = Uint8Array.of(1, 2, 3)
  t.deepEqual(await functions.piscina([]), bytes)
  t.deepEqual(await functions.tinypool([]), bytes)
  t.deepEqual(await functions.bare([]), new ArrayBuffer(3))
  t.deepEqual(await functions.byHand([]), { bytes })
  for (const name of ['piscina', 'tinypool', 'bare', 'byHand']) t.is(await functions.left([name]), 0, name)
  await t.throwsAsync(functions.notMovable([]), { name: 'TypeError' })
})

test('takes a URL, a text of one, or an absolute path; and CommonJS', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const path = fileURLToPath(url)
  const data = 'data:text/javascript,export default () => 7; export const twice = (n) => 2 * n'
  for (const from of [url.href, path]) t.is(await (await loadFunctions(from, { pool })).add([1, 1]), 2)
  const inline = await loadFunctions(data, { pool })
  t.deepEqual([await inline.default([]), await inline.twice([4])], [7, 8])
  const common = await loadFunctions(new URL('../fixtures/functions-commonjs.cjs', import.meta.url), { pool })
  t.deepEqual([await common.first([]), await common.second([])], ['first', 'second'])
})

test('what cannot be loaded is refused, with the reason', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const missing = await errorOf(loadFunctions('file:///not/there.mjs', { pool }))
  t.deepEqual([missing.code, missing.cause.code], ['ERR_MODULE_LOAD', 'ERR_MODULE_NOT_FOUND'])
  t.regex(missing.message, /file:\/\/\/not\/there\.mjs/)
  const throwing = await errorOf(loadFunctions('data:text/javascript,throw new RangeError("at once")', { pool }))
  t.true(throwing.cause instanceof RangeError)
  t.is(throwing.cause.message, 'at once')
  t.is((await errorOf(loadFunctions('data:text/javascript,export const = 1', { pool }))).cause.name, 'SyntaxError')
  t.is(await codeOf(loadFunctions('data:text/javascript,process.exit(3)', { pool })), 'ERR_MODULE_LOAD')
  t.is(await codeOf(loadFunctions('data:text/javascript,throw 7', { pool })), 'ERR_MODULE_LOAD')
})

test('refuses what it does not take', async (t) => {
  const { pool, functions } = await load(t)
  const refused = [
    [['./relative.mjs'], 'ERR_INVALID_ARG_VALUE'],
    [[7], 'ERR_INVALID_ARG_TYPE'],
    [[url, { pool: {} }], 'ERR_INVALID_ARG_TYPE'],
    [[url, { idleTimeout: 0 }], 'ERR_OUT_OF_RANGE'],
    [[url, { resourceLimits: 7 }], 'ERR_INVALID_ARG_TYPE'],
    [[url, { idle: 1 }], 'ERR_INVALID_ARG_VALUE'],
  ]
  for (const [args, code] of refused) t.is(await codeOf(loadFunctions(...args)), code, String(args))
  for (const args of [[1, 2], [], [{ timeout: 1 }], [1, 2, { timeout: 1 }]]) {
    const error = await errorOf(functions.add(...args))
    t.is(error.code, 'ERR_INVALID_ARG_TYPE')
    t.regex(error.message, /array of the function's arguments: add\(\[\.\.\.\], options\)/)
    t.true(error.stack.includes('functions.spec.mjs'), 'it shows who called')
  }
  t.is(await codeOf(functions.add([1, 2], { transfer: true })), 'ERR_INVALID_ARG_VALUE')
  t.is(await codeOf(functions.add([1, 2], { transferList: 7 })), 'ERR_INVALID_ARG_TYPE')
  t.is(await codeOf(functions.add([1, 2], { pool: new Pool({ threads: 1 }) })), 'ERR_INVALID_ARG_VALUE')
  const { completed, failed, rejected } = pool.stats()
  t.deepEqual([completed, failed, rejected], [0, 0, 0])
})

test('errors keep name, class, code, stack, cause and properties', async (t) => {
  const { pool, functions } = await load(t)
  for (const [kind, Class] of Object.entries({ RangeError, TypeError, Error })) {
    const error = await errorOf(functions.raise([kind]))
    t.true(error instanceof Class)
    const { name, message, code, status, stack, cause } = error
    t.deepEqual([name, message, code, status, cause.message], ['OwnError', 'on purpose', 'E_OWN', 418, 'deeper'])
    t.regex(stack, /functions\.mjs/)
  }
  t.is((await errorOf(functions.rejects([]))).code, 'E_ASYNC')
  t.deepEqual(await errorOf(functions.raise(['a value'])), { not: 'an error' })
  t.regex(String(await errorOf(functions.raise(['a function']))), /Function/)
  const { message, code } = await errorOf(functions.withCause([]))
  t.is(message, 'cannot be cloned')
  t.true(code === 'E_CAUSE' || code === undefined)
  t.is((await errorOf(functions.notCloneable([]))).name, 'DataCloneError')
  t.is((await errorOf(functions.same([() => {}]))).name, 'DataCloneError')
  t.is(await functions.add([1, 2]), 3)
  await idle(pool)
  t.is(pool.stats().failed, 9)
})

test('arguments are taken as they are at the call', async (t) => {
  const { functions } = await load(t, { threads: 1 })
  const busy = functions.later([1])
  const object = { n: 1 }
  const list = [object, 1]
  const gated = functions.same(list)
  object.n = 2
  list[0] = 3
  const numbers = [1, 2]
  const sum = functions.add(numbers)
  numbers[0] = 100
  t.deepEqual(await gated, { n: 1 })
  t.is(await sum, 3)
  await busy
})

test('buffers are copied, moved, or shared', async (t) => {
  const { pool, functions } = await load(t, { threads: 1, maxQueue: 0 })
  const bytes = new Uint8Array(1 << 20)
  t.is(await functions.length([bytes]), 1 << 20)
  t.is(bytes.byteLength, 1 << 20)
  t.is(await functions.length([bytes.subarray(10, 20)]), 10)
  t.is(await functions.length([bytes], { transferList: [bytes.buffer] }), 1 << 20)
  t.is(bytes.byteLength, 0)
  const shared = new SharedArrayBuffer(8)
  await functions.increment([shared])
  t.deepEqual([...new Int32Array(shared)], [1, 1])
  // A call that is refused takes nothing.
  const controller = new AbortController()
  const held = functions.never([], { signal: controller.signal })
  await until(() => pool.stats().running === 1)
  const kept = new ArrayBuffer(8)
  t.is(await codeOf(functions.length([kept], { transferList: [kept] })), 'ERR_POOL_OVERLOADED')
  t.is(kept.byteLength, 8)
  controller.abort()
  t.is(await codeOf(held), 'ABORT_ERR')
})

test("progress comes by an argument, in the caller's context", async (t) => {
  const { functions } = await load(t)
  const storage = new AsyncLocalStorage()
  const seen = new Int32Array(new SharedArrayBuffer(4))
  const told = []
  const onProgress = (fraction) => {
    t.is(storage.getStore(), 'caller')
    told.push(fraction)
    if (fraction > 0 && fraction < 1) {
      Atomics.add(seen, 0, 1)
      Atomics.notify(seen, 0)
    }
  }
  t.is(await storage.run('caller', () => functions.steps([seen], { onProgress })), 'done')
  t.deepEqual(
    told.filter((fraction) => fraction > 0),
    [0.2, 0.4, 0.6, 0.8, 1],
  )
  t.deepEqual(await functions.argumentsOf([1, 'a']), ['number', 'string'])
  t.deepEqual(await functions.argumentsOf([1], { onProgress: () => {} }), ['number', 'function'])
})

test('they are under the order and the budget of the pool', async (t) => {
  const { pool, functions } = await load(t, { threads: 1 })
  const controller = new AbortController()
  const held = functions.never([], { signal: controller.signal })
  await until(() => pool.stats().running === 1)
  const order = []
  const note = (name) => () => order.push(name)
  const tasks = [
    functions.empty([], { priority: 'low' }).then(note('low')),
    functions.empty([]).then(note('normal')),
    functions.empty([], { priority: 'high' }).then(note('high')),
    heavyLoad(10, { pool, priority: 'high' }).then(note('kernel')),
  ]
  t.is(pool.stats().queued, 4)
  controller.abort()
  await codeOf(held)
  await Promise.all(tasks)
  t.deepEqual(
    [order.slice(0, 2).sort(), order.slice(2)],
    [
      ['high', 'kernel'],
      ['normal', 'low'],
    ],
  )
})

test('metrics call them by module and export', async (t) => {
  const { pool, functions } = await load(t)
  const register = new Registry()
  t.teardown(registerMetrics(register, { pools: [pool] }))
  await functions.add([1, 2])
  const { values } = await register.getSingleMetric('heavy_load_tasks_total').get()
  const counted = values.filter(({ value }) => value > 0)
  t.deepEqual(
    counted.map(({ labels }) => labels.kernel),
    ['functions.mjs#add'],
  )
  t.regex((await errorOf(functions.never([], { timeout: 10 }))).message, /^functions\.mjs#never was not done/)
})

test('a pool that is closed takes no more calls, and force ends those that run', async (t) => {
  const pool = new Pool({ threads: 1 })
  const functions = await loadFunctions(url, { pool })
  const running = functions.forever([])
  await until(() => pool.stats().running === 1)
  const closed = pool.close({ force: true })
  t.is(await codeOf(running), 'ERR_POOL_CLOSED')
  await closed
  t.is(await codeOf(functions.add([1, 2])), 'ERR_POOL_CLOSED')
})

test('a thousand at once', async (t) => {
  const { pool, functions } = await load(t)
  const numbers = [...Array(1000).keys()]
  const sums = await Promise.all(numbers.map((n) => (n % 3 === 0 ? functions.later([n]) : functions.add([n, 0]))))
  t.deepEqual(sums, numbers)
  await idle(pool)
})
