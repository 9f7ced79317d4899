// A kernel in safe Rust that keeps its input's memory has whoever lent it wait, and finds it whole; before its work runs it gets none.
import '../helpers/test-addon.mjs'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import test from 'ava'

const { Pool, freeze } = await import('heavy-load')
const { asynchronous } = createRequire(import.meta.url)('../../lib/pool/forms.js')

// What is kept is kept once a process: one test at a time. One thread, so that what is asked of a kernel comes after what it was given.
const pool = new Pool({ threads: 1 })
test.after.always(() => pool.close())
test.afterEach.always(() => ask('let go'))

/** @param {'count' | 'sum' | 'let go'} what */
const ask = (what) => pool.run('keep', what)
const bytes = () => Uint8Array.from({ length: 100_000 }, (_, at) => at % 3)
const SUM = 99_999
const FORMS = {
  pool: (input, options) => pool.run('keep', input, options),
  libuv: asynchronous('keep'),
}

/** Whether a promise has settled by the time that the pool has answered again. */
async function isSettled(promise) {
  let settled = false
  const settle = () => {
    settled = true
  }
  promise.then(settle, settle)
  await ask('count')
  return settled
}

/** Whether a promise has settled by the time that a thread has come and gone. */
async function hasEndedBefore(promise) {
  const thread = new Worker('', { eval: true })
  const first = await Promise.race([promise, once(thread, 'exit').then(() => thread)])
  return first !== thread
}

/** Comes back once so many inputs are kept. */
async function areKept(count) {
  while ((await ask('count')) < count);
}

for (const [form, keep] of Object.entries(FORMS)) {
  test.serial(`${form}: a transferred buffer comes back when nobody holds it`, async (t) => {
    const given = bytes()
    const result = keep(given, { transfer: true })
    await areKept(1)
    t.is(given.byteLength, 0)
    t.false(await isSettled(result))
    t.is(await ask('sum'), SUM)
    t.is(await ask('let go'), 1)
    t.deepEqual(await result, bytes())
  })

  test.serial(`${form}: a frozen buffer is thawed when nobody holds it`, async (t) => {
    const frozen = freeze(bytes())
    const result = keep(frozen)
    await areKept(1)
    t.false(await isSettled(result))
    t.throws(() => frozen.thaw(), { code: 'ERR_BUFFER_IN_USE' })
    t.is(await ask('sum'), SUM)
    await ask('let go')
    // This kernel gives its input back, and what is frozen is given to nobody before it is thawed.
    t.is(await result, undefined)
    t.deepEqual(frozen.thaw(), bytes())
  })

  test.serial(`${form}: a call that is given up lends its memory until nobody holds it`, async (t) => {
    const frozen = freeze(bytes())
    const controller = new AbortController()
    const result = keep(frozen, { signal: controller.signal })
    await areKept(1)
    controller.abort()
    await t.throwsAsync(result, { name: 'AbortError' })
    t.throws(() => frozen.thaw(), { code: 'ERR_BUFFER_IN_USE' })
    t.is(await ask('sum'), SUM)
  })

  test.serial(`${form}: a copy is the kernel's own`, async (t) => {
    t.is(await keep(bytes()), undefined)
    t.is(await ask('sum'), SUM)
  })

  test.serial(`${form}: memory is not the kernel's before its work runs`, async (t) => {
    const how = 'touch'
    const shared = new Uint8Array(new SharedArrayBuffer(8))
    const given = bytes()
    const calls = [[given], [given, { transfer: true }], [freeze(bytes())], [shared]]
    for (const [input, options] of calls) {
      const { code, message } = await t.throwsAsync(keep(input, { ...options, how }))
      t.is(code, 'ERR_KERNEL_PANIC')
      t.regex(message, /the memory is not the kernel's yet/)
    }
    t.deepEqual(given, bytes())
  })

  test.serial(`${form}: memory that was lent is no result`, async (t) => {
    t.is(await keep(bytes(), { transfer: true, how: 'send' }), undefined)
    // To a kernel in a plug-in, a copy is lent, too.
    const own = process.env.HEAVY_LOAD_TEST_PLUGGED === undefined ? bytes() : undefined
    t.deepEqual(await keep(bytes(), { how: 'send' }), own)
  })
}

const IN_WORKER = `
  const { parentPort } = require('node:worker_threads')
  const { Pool } = require(${JSON.stringify(new URL('../../index.js', import.meta.url).pathname)})
  const { asynchronous, synchronous } = require(${JSON.stringify(new URL('../../lib/pool/forms.js', import.meta.url).pathname)})
  const forms = { pool: (...call) => new Pool({ threads: 1 }).run('keep', ...call), libuv: asynchronous('keep'), sync: synchronous('keep') }
  const keep = (form) => forms[form](Uint8Array.from({ length: 100_000 }, (_, at) => at % 3), { transfer: true })
`

test.serial('sync: returns when nobody holds the memory', async (t) => {
  const worker = new Worker(`${IN_WORKER}; parentPort.postMessage(keep('sync'))`, { eval: true })
  const message = once(worker, 'message')
  await areKept(1)
  t.false(await hasEndedBefore(message))
  t.is(await ask('sum'), SUM)
  await ask('let go')
  t.deepEqual((await message)[0], bytes())
  await worker.terminate()
})

for (const form of ['pool', 'libuv']) {
  test.serial(`${form}: an environment ends when nobody holds its memory`, async (t) => {
    const worker = new Worker(`${IN_WORKER}; keep('${form}').catch(() => {})`, { eval: true })
    await areKept(1)
    const ended = worker.terminate()
    t.false(await hasEndedBefore(ended))
    t.is(await ask('sum'), SUM)
    await ask('let go')
    await ended
    t.is(await ask('count'), 0)
  })
}
