// An option that is misspelt, or meant for another function, is refused by name: nobody believes that it works.
import { createRequire } from 'node:module'
import test from 'ava'
import api, { defaultPool, heavyLoad, heavyLoadAsync, heavyLoadSync, Pool, spin } from 'heavy-load'
import { instrument, registerMetrics } from 'heavy-load/metrics'
import { Registry } from 'prom-client'
import { errorOf } from '../helpers/errors.mjs'
import { formsOf } from '../helpers/forms.mjs'
import { openPool } from '../helpers/pool.mjs'

const { kernels } = createRequire(import.meta.url)('../../lib/native.js')
const { signal } = new AbortController()
/** Of every task, with values that do nothing; and which forms beside the pool's take them. */
const TASK_OPTIONS = {
  signal: { value: signal, forms: ['Async'] },
  timeout: { value: 60_000, forms: ['Sync', 'Async'] },
  priority: { value: 'normal', forms: [] },
  key: { value: 'a', forms: [] },
  weight: { value: 1, forms: [] },
  maxThreads: { value: 8, forms: [] },
  onProgress: { value: () => {}, forms: ['Async'] },
  pool: { value: defaultPool, forms: [] },
  transfer: { value: true, forms: ['Sync', 'Async'] },
}
const INPUTS = { number: () => 1, Uint32Array: () => new Uint32Array(new SharedArrayBuffer(4)) }
const inputFor = ({ inputType }) => (INPUTS[inputType] ?? (() => new Uint8Array(8)))()

/** Asserts that a call is refused for one option, with a hint. */
async function refuses(t, call, option, hint) {
  const error = await errorOf((async () => call())())
  t.is(error.code, 'ERR_INVALID_ARG_VALUE', error.stack)
  t.true(error instanceof TypeError)
  t.true(error.message.startsWith(`The "options.${option}" property is unknown here. ${hint}`), error.message)
}

test('a misspelt option of a task is refused, with the name that was meant', async (t) => {
  for (const { name, run } of formsOf('heavyLoad')) {
    await refuses(t, () => run(5, { timout: 5 }), 'timout', "Did you mean 'timeout'?")
    t.is(await run(5, { timeout: 60_000 }), 5, name)
  }
  await refuses(t, () => heavyLoad(5, { abortSignal: signal }), 'abortSignal', "Did you mean 'signal'?")
  await refuses(t, () => defaultPool.run('heavyLoad', 5, { Key: 'a' }), 'Key', "Did you mean 'key'?")
  await refuses(t, () => heavyLoad(5, { zzz: undefined }), 'zzz', 'Known are: signal, timeout, ')
})

test("so is one of a kernel's own, and one of another kernel's", async (t) => {
  for (const { run } of formsOf('hash')) {
    await refuses(t, () => run(Buffer.alloc(1), { algorithim: 'sha256' }), 'algorithim', "Did you mean 'algorithm'?")
  }
  for (const { run } of formsOf('spin')) await refuses(t, () => run(0, { rounds: 1 }), 'rounds', '')
})

test('each form takes what it can heed, and refuses the rest', async (t) => {
  for (const spec of kernels()) {
    for (const form of ['', 'Sync', 'Async']) {
      const call = (options) => api[`${spec.name}${form}`](inputFor(spec), options)
      for (const [option, { value, forms }] of Object.entries(TASK_OPTIONS)) {
        if (form === '' || forms.includes(form)) await t.notThrowsAsync(async () => call({ [option]: value }), option)
        else {
          await refuses(t, () => call({ [option]: value }), option, '')
          await t.notThrowsAsync(async () => call({ [option]: undefined }), option)
        }
      }
      for (const { name } of spec.options) await t.notThrowsAsync(async () => call({ [name]: undefined }), name)
    }
  }
})

test('a refused call takes nothing and counts nowhere', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const bytes = new Uint8Array(8)
  await refuses(
    t,
    () => pool.run('sort', bytes, { transfer: true, tranfer: true }),
    'tranfer',
    "Did you mean 'transfer'?",
  )
  t.is(bytes.length, 8)
  const { failed, rejected, cancelled, queued, running } = pool.stats()
  t.deepEqual([failed, rejected, cancelled, queued, running], [0, 0, 0, 0, 0])
})

test("of map, before anything is taken from the source; its options are no task's", async (t) => {
  const pool = openPool(t, { threads: 1 })
  const untouched = {
    [Symbol.iterator]() {
      t.fail('the source was asked')
    },
  }
  const first = (options) => pool.map('spin', untouched, options).next()
  await refuses(t, () => first({ concurency: 1 }), 'concurency', "Did you mean 'concurrency'?")
  await refuses(t, () => first({ algorithm: 'sha256' }), 'algorithm', '')
  const values = []
  const options = { concurrency: 2, ordered: false, key: 'a', rounds: 3 }
  const input = new Uint32Array(new SharedArrayBuffer(4))
  for await (const { index } of pool.map('heavyLoadShared', [input], options)) values.push(index)
  t.deepEqual(values, [0])
  await refuses(t, () => pool.run('spin', 0, { concurrency: 1 }), 'concurrency', '')
})

test('of pools and of what ends them', async (t) => {
  await refuses(t, () => new Pool({ thread: 1 }), 'thread', "Did you mean 'threads'?")
  const pool = openPool(t, { threads: 1 })
  await refuses(t, () => pool.close({ forced: true }), 'forced', "Did you mean 'force'?")
  t.is(await pool.run('heavyLoad', 1), 1, 'it is not closed')
})

test('of metrics, of which then none is registered', async (t) => {
  const register = new Registry()
  await refuses(t, () => registerMetrics(register, { pool: defaultPool }), 'pool', "Did you mean 'pools'?")
  t.deepEqual(register.getMetricsAsArray(), [])
  const meter = { createCounter() {}, createHistogram() {}, createObservableGauge() {} }
  await refuses(t, () => instrument(meter, { pool: defaultPool }), 'pool', "Did you mean 'pools'?")
})

test("what is inherited, hidden or named by a symbol is nobody's mistake", async (t) => {
  const defaults = { zzz: 1, timeout: 60_000 }
  const options = Object.defineProperty(Object.create(defaults), 'hidden', { value: 1 })
  options[Symbol('note')] = 1
  t.is(await heavyLoad(5, options), 5)
  t.is(heavyLoadSync(5, options), 5)
  t.is(await heavyLoadAsync(5, options), 5)
})

test('a proxy is asked for its keys; what its traps throw is what the call rejects with', async (t) => {
  const error = new Error('a trap')
  const throwing = new Proxy(
    { key: 'a' },
    {
      ownKeys() {
        throw error
      },
    },
  )
  t.is(await errorOf(spin(0, throwing)), error)
  t.true((await spin(0, new Proxy({ key: 'a' }, {}))) >= 0)
  await refuses(t, () => spin(0, new Proxy({ kez: 'a' }, {})), 'kez', "Did you mean 'key'?")
})

test('a name of a megabyte is not shown whole, and not compared', async (t) => {
  const error = await errorOf(heavyLoad(5, { ['timeout'.repeat(150_000)]: 5 }))
  t.is(error.code, 'ERR_INVALID_ARG_VALUE')
  t.true(error.message.length < 300)
})
