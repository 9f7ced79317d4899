// Every kernel comes in three forms that give the same answers; the promise forms never throw.
import { createRequire } from 'node:module'
import test from 'ava'
import api from 'heavy-load'
import { errorOf } from '../helpers/errors.mjs'
import { formsOf } from '../helpers/forms.mjs'

const { defaultPool, heavyLoad, heavyLoadAsync, heavyLoadSync, spinSync } = api
const KERNELS = createRequire(import.meta.url)('../../lib/native.js')
  .kernels()
  .map(({ name }) => name)
const PROMISE_FORMS = KERNELS.flatMap((kernel) => [kernel, `${kernel}Async`])

test('count alike', async (t) => {
  // The last is past 2^31, where a 32-bit count would be wrong.
  for (const iterations of [0, 1, 7, 1_000_003, 3e9 + 7]) {
    for (const { name, run } of formsOf('heavyLoad')) t.is(await run(iterations), iterations, name)
  }
})

test('take -0 for 0', async (t) => {
  for (const { name, run } of formsOf('heavyLoad')) t.is(await run(-0), 0, name)
})

test('spin for as long as they are asked to, or a little longer', async (t) => {
  for (const { name, run } of formsOf('spin')) {
    for (const ms of [0, 0.5, 3, 20]) {
      const used = await run(ms)
      t.true(used >= ms, `${name}(${ms}) used ${used}`)
    }
  }
})

test('carry their names, and that of their kernel', (t) => {
  t.true(KERNELS.includes('heavyLoad'))
  for (const kernel of KERNELS) {
    for (const name of [kernel, `${kernel}Sync`, `${kernel}Async`]) {
      t.is(api[name].name, name)
      t.is(api[name].kernel, kernel)
    }
  }
})

test('a function stands for its kernel, whatever its form', async (t) => {
  for (const { name } of formsOf('heavyLoad')) t.is(await defaultPool.run(api[name], 11), 11, name)
})

test('give a promise, or a value, by their names', async (t) => {
  const promises = [heavyLoad(5), heavyLoadAsync(5)]
  for (const promise of promises) t.true(promise instanceof Promise)
  t.deepEqual(await Promise.all(promises), [5, 5])
  t.is(heavyLoadSync(5), 5)
  t.is(typeof spinSync(0), 'number')
})

const throwing = new Error('from a getter')
const hostile = new Proxy(
  {},
  {
    get() {
      throw throwing
    },
  },
)
const { proxy: revoked, revoke } = Proxy.revocable({}, {})
revoke()

function throwingGetter(name) {
  return {
    get [name]() {
      throw throwing
    },
  }
}

/** Calls a promise form, which must not throw; gives what it rejects with. */
function rejection(t, name, ...args) {
  let promise
  t.notThrows(() => {
    promise = api[name](...args)
  }, name)
  return errorOf(promise)
}

const inputs = {
  undefined: undefined,
  null: null,
  'a symbol': Symbol('input'),
  'a bigint': 5n,
  'a function': () => {},
  'an object without a prototype': Object.create(null),
  'a proxy that throws': hostile,
  'a revoked proxy': revoked,
  'an object whose constructor throws': throwingGetter('constructor'),
}
for (const [what, input] of Object.entries(inputs)) {
  test(`reject, and do not throw, for ${what} as input`, async (t) => {
    for (const name of PROMISE_FORMS) t.true((await rejection(t, name, input)) instanceof Error, name)
  })
}

const options = {
  null: null,
  'a symbol': Symbol('options'),
  'a number': 5,
  'a function': () => {},
  'an array': [],
  'a proxy that throws': hostile,
  'a revoked proxy': revoked,
  'symbols as values': { signal: Symbol('signal'), timeout: Symbol('timeout') },
  'a signal that throws': { signal: hostile },
  'a priority that cannot become a string': { priority: Object.create(null) },
}
for (const name of ['signal', 'timeout', 'priority', 'key', 'weight', 'maxThreads', 'onProgress', 'transfer']) {
  options[`a getter of ${name} that throws`] = throwingGetter(name)
}
for (const [what, bad] of Object.entries(options)) {
  test(`reject, and do not throw, for ${what} as options`, async (t) => {
    for (const name of PROMISE_FORMS) {
      const input = ['heavyLoad', 'spin'].includes(api[name].kernel) ? 1 : new Uint32Array(new SharedArrayBuffer(4))
      t.true((await rejection(t, name, input, bad)) instanceof Error, name)
    }
  })
}

const pools = {
  'a getter of pool that throws': throwingGetter('pool'),
  'a pool that throws': { pool: hostile },
  'a pool whose run throws': {
    pool: {
      run() {
        throw throwing
      },
    },
  },
}
for (const [what, bad] of Object.entries(pools)) {
  test(`reject, and do not throw, for ${what}`, async (t) => {
    for (const name of KERNELS) t.is(await rejection(t, name, 1, bad), throwing, name)
  })
}

test('pass on what a getter throws, as it is', async (t) => {
  const view = new Uint32Array(new SharedArrayBuffer(4))
  for (const thrown of [new Error('of the caller'), 'no error', { code: 'NONE_OF_OURS', message: 'of the caller' }]) {
    const options = {
      get rounds() {
        throw thrown
      },
    }
    for (const { name, run } of formsOf('heavyLoadShared')) t.is(await errorOf(run(view, options)), thrown, name)
  }
})
