// onProgress: how far a task is, told now and then, in the caller's own async context.
import { AsyncLocalStorage } from 'node:async_hooks'
import test from 'ava'
import { heavyLoad, heavyLoadAsync, spin, spinAsync, spinSync } from 'heavy-load'
import { runScript } from '../helpers/child.mjs'
import { errorOf } from '../helpers/errors.mjs'
import { ENDLESS, idle, openPool, outcome } from '../helpers/pool.mjs'

/** Each form with enough work for several reports. */
const FORMS = [
  ['heavyLoad', (t, onProgress) => heavyLoad(4e9, { pool: openPool(t, { threads: 2 }), onProgress })],
  ['heavyLoadAsync', (_t, onProgress) => heavyLoadAsync(2e9, { onProgress })],
  ['spin', (t, onProgress) => spin(500, { pool: openPool(t, { threads: 2 }), onProgress })],
  ['spinAsync', (_t, onProgress) => spinAsync(500, { onProgress })],
]
/** Each promise form of the kernel that can go on for ever. */
const ENDLESS_FORMS = [
  ['heavyLoad', (t, options) => heavyLoad(ENDLESS, { pool: openPool(t, { threads: 1 }), ...options })],
  ['heavyLoadAsync', (_t, options) => heavyLoadAsync(ENDLESS, options)],
]

for (const [name, start] of FORMS) {
  test.serial(`${name}: rises from 0 to 1, at most 20 times a second`, async (t) => {
    const fractions = []
    const began = performance.now()
    await start(t, (fraction) => fractions.push(fraction))
    const elapsed = performance.now() - began
    t.true(fractions.length >= 2, 'something before the end')
    t.true(
      fractions.every((fraction, index) => fraction >= 0 && !(fraction <= fractions[index - 1])),
      String(fractions),
    )
    t.is(fractions.at(-1), 1)
    t.true(fractions.indexOf(1) === fractions.length - 1)
    t.true(fractions.length <= elapsed / 50 + 2, `${fractions.length} in ${elapsed} ms`)
  })
}

test.serial('a task that is done at once reports its end', async (t) => {
  const pool = openPool(t, { threads: 1 })
  for (const form of [(options) => heavyLoad(10, { pool, ...options }), (options) => heavyLoadAsync(10, options)]) {
    const fractions = []
    t.is(await form({ onProgress: (fraction) => fractions.push(fraction) }), 10)
    t.deepEqual(fractions.at(-1), 1)
  }
})

for (const [name, start] of FORMS) {
  test.serial(`${name}: is called in the caller's AsyncLocalStorage context`, async (t) => {
    const storage = new AsyncLocalStorage()
    const call = (store) =>
      storage.run(store, async () => {
        const stores = new Set()
        await start(t, () => stores.add(storage.getStore()))
        t.is(storage.getStore(), store, 'and so is what awaits the task')
        return [...stores]
      })
    t.deepEqual(await Promise.all([call('one'), call('other')]), [['one'], ['other']])
  })
}

for (const [name, start] of ENDLESS_FORMS) {
  test.serial(`${name}: a callback that throws rejects its task with that very error`, async (t) => {
    const thrown = new Error('from the callback')
    let calls = 0
    const onProgress = () => {
      calls++
      throw thrown
    }
    t.is(await start(t, { onProgress }).catch((error) => error), thrown)
    t.is(calls, 1)
  })

  test.serial(`${name}: is not called once the task is aborted`, async (t) => {
    const controller = new AbortController()
    let calls = 0
    const onProgress = () => {
      calls++
      controller.abort()
    }
    t.is(await outcome(start(t, { signal: controller.signal, onProgress })), 'ABORT_ERR')
    // Long enough for several more.
    await spinAsync(200)
    t.is(calls, 1)
  })
}

test.serial('a callback that throws costs no other task', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const onProgress = () => {
    throw new Error('from the callback')
  }
  const bad = Array.from({ length: 3 }, () => heavyLoad(ENDLESS, { pool, onProgress }).catch(({ message }) => message))
  const fractions = []
  const good = spin(200, { pool, onProgress: (fraction) => fractions.push(fraction) })
  t.deepEqual(await Promise.all(bad), Array(3).fill('from the callback'))
  t.is(typeof (await good), 'number')
  t.is(fractions.at(-1), 1)
  await idle(pool)
  t.like(pool.stats(), { completed: 1, cancelled: 3, failed: 0 })
})

for (const [name, start] of ENDLESS_FORMS) {
  test.serial(`${name}: an async callback that rejects is as one that throws`, async (t) => {
    const thrown = new Error('from the callback')
    let calls = 0
    const onProgress = async () => {
      calls++
      await null
      throw thrown
    }
    t.is(await errorOf(start(t, { onProgress })), thrown)
    t.is(calls, 1)
  })
}

test.serial('map: an async callback that rejects ends it with that error', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const thrown = new Error('from the callback')
  const onProgress = () => Promise.reject(thrown)
  t.is(await errorOf(pool.map('heavyLoad', [ENDLESS, ENDLESS], { onProgress }).next()), thrown)
  await idle(pool)
  t.like(pool.stats(), { completed: 0, cancelled: 2, failed: 0 })
})

test.serial(
  'what an async callback does after its task is the end of neither that nor the process, nor lost',
  async (t) => {
    const { code, signal, stdout, stderr } = await runScript(`
    import { heavyLoad } from 'heavy-load'
    const uncaught = []
    process.on('uncaughtException', ({ message }, origin) => uncaught.push([message, origin]))
    const later = () => new Promise(setImmediate)
    const reject = (message) => async () => {
      await later()
      await later()
      throw new Error(message)
    }
    const value = await heavyLoad(10, { onProgress: reject('after a success') })
    const control = new AbortController()
    const endless = heavyLoad(1e13, { signal: control.signal, onProgress: reject('after a failure') })
    const onProgress = () => {
      control.abort()
      return reject('after a failure')()
    }
    const aborted = await heavyLoad(1e13, { signal: control.signal, onProgress }).catch(({ code }) => code)
    await endless.catch(() => {})
    for (let turn = 0; turn < 10; turn++) await later()
    console.log(JSON.stringify({ value, aborted, uncaught }))
  `)
    t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
    const uncaught = [['after a success', 'uncaughtException']]
    t.deepEqual(JSON.parse(stdout), { value: 10, aborted: 'ABORT_ERR', uncaught })
  },
)

test.serial('a callback that throws at the end rejects, too', async (t) => {
  const thrown = new Error('from the callback')
  const onProgress = () => {
    throw thrown
  }
  const pool = openPool(t, { threads: 1 })
  t.is(await heavyLoad(10, { pool, onProgress }).catch((error) => error), thrown)
  t.is(await heavyLoadAsync(10, { onProgress }).catch((error) => error), thrown)
})

test.serial('a callback may submit tasks, however many results come meanwhile', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const left = () => pool.stats().queued + pool.stats().running
  for (let round = 0; round < 20; round++) {
    // A long task, then short ones: what has been learned of the one must not harm the others.
    await pool.run('spin', 2)
    const submitted = []
    const onProgress = () => {
      // All others end while the callback has the event loop.
      while (left() > 0);
      submitted.push(pool.run('heavyLoad', 4))
    }
    // A thread that has just ended a task takes up the next one at once.
    const tasks = [pool.run('spin', 0.5)]
    while (left() > 0) spinSync(0.02)
    const short = [1, 2, 3].map((number) => heavyLoad(number, { pool, onProgress }))
    for (let number = 0; number < 4; number++) tasks.push(pool.run('spin', 2))
    // The short ones have ended before the event loop learns of the first.
    while (left() > 4) spinSync(0.02)
    t.deepEqual(await Promise.all(short), [1, 2, 3])
    t.deepEqual(await Promise.all(submitted), [4, 4, 4])
    await Promise.all(tasks)
  }
  t.is(pool.stats().completed, 20 * 12)
})

test.serial('refuses what is no function', async (t) => {
  for (const onProgress of [null, 5, 'log', {}]) {
    for (const form of [heavyLoad, heavyLoadAsync]) {
      await t.throwsAsync(form(1, { onProgress }), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
    }
  }
})
