// Bad arguments: Node's own codes and classes, and messages that say what was expected, of which argument, and what was
// received; the same from all three forms.
import '../helpers/test-addon.mjs'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { defaultPool, HeavyLoadError, hash, heavyLoad, heavyLoadAsync, heavyLoadSync, Pool, spin } from 'heavy-load'
import { errorOf } from '../helpers/errors.mjs'
import { formsOf, promiseFormsOf } from '../helpers/forms.mjs'

const TYPE = { code: 'ERR_INVALID_ARG_TYPE', class: TypeError }
const VALUE = { code: 'ERR_INVALID_ARG_VALUE', class: TypeError }
const RANGE = { code: 'ERR_OUT_OF_RANGE', class: RangeError }

/** Looks at an error's code, class and message. `received` may be a pattern. */
function is(t, error, kind, subject, expected, received, about) {
  t.is(error.code, kind.code, `${about}: ${error.message}`)
  t.true(error instanceof kind.class, about)
  t.is(error.name, kind.class.name, about)
  t.true(error.message.includes(`"${subject}"`), `${about}: ${error.message}`)
  t.true(error.message.includes(expected), `${about}: ${error.message}`)
  const [, tail] = error.message.split('Received ')
  if (received instanceof RegExp) t.regex(tail, received, about)
  else t.is(tail, received, about)
}

/** Values that are no number, and how messages show them. */
const noNumbers = [
  [null, 'null'],
  ['5', "type string ('5')"],
  [true, 'type boolean (true)'],
  [5n, /^type bigint/],
  [Symbol('number'), /^type symbol/],
  [() => {}, /function/],
  [{}, 'an instance of Object'],
  [[], 'an instance of Array'],
  [new Date(0), 'an instance of Date'],
]
const notFinite = [
  [Number.NaN, 'NaN'],
  [Infinity, 'Infinity'],
  [-Infinity, '-Infinity'],
]
const noCounts = [...notFinite, [-1, '-1'], [0.5, '0.5']]

/** A row: kind, what is expected, and the values that are to be refused. */
const inputs = {
  heavyLoad: {
    name: 'iterations',
    rows: [
      [TYPE, 'of type number', [[undefined, 'undefined'], ...noNumbers]],
      [RANGE, 'an integer >= 0 and <= 9007199254740991', [...noCounts, [2 ** 53, '9007199254740992']]],
    ],
  },
  spin: {
    name: 'ms',
    rows: [
      [TYPE, 'of type number', [[undefined, 'undefined'], ...noNumbers]],
      [RANGE, 'a finite number >= 0', [...notFinite, [-1, '-1'], [Number.MAX_VALUE, /^1/]]],
    ],
  },
}

for (const [kernel, { name, rows }] of Object.entries(inputs)) {
  test(`the input of ${kernel}`, async (t) => {
    for (const [kind, expected, values] of rows) {
      for (const [value, received] of values) {
        for (const form of formsOf(kernel)) {
          is(t, await errorOf(form.run(value)), kind, name, expected, received, `${form.name}, ${received}`)
        }
      }
    }
  })
}

const noClasses = [
  [null, /^null$/],
  ['urgent', /^'urgent'$/],
  ['', /^''$/],
  ['toString', /^'toString'$/],
  [1, /^1$/],
  [['high'], /high/],
]
const options = {
  signal: [
    [
      TYPE,
      'an instance of AbortSignal',
      [
        [null, 'null'],
        [5, 'type number (5)'],
        ['abort', "type string ('abort')"],
        [{}, 'an instance of Object'],
        [{ aborted: true }, 'an instance of Object'],
        [new AbortController(), 'an instance of AbortController'],
        [new EventTarget(), 'an instance of EventTarget'],
      ],
    ],
  ],
  timeout: [
    [TYPE, 'of type number', noNumbers],
    [
      RANGE,
      '> 0',
      [
        [0, '0'],
        [-1, '-1'],
        [Number.NaN, 'NaN'],
        [-Infinity, '-Infinity'],
      ],
    ],
  ],
  priority: [[VALUE, "one of: 'high', 'normal', 'low'", noClasses]],
  key: [
    [
      TYPE,
      'of type string',
      [
        [null, 'null'],
        [5, 'type number (5)'],
        [Symbol('key'), 'type symbol (Symbol(key))'],
        [[], 'an instance of Array'],
      ],
    ],
  ],
  weight: [
    [TYPE, 'of type number', noNumbers],
    [RANGE, '>= 0.001 and <= 1000', [...notFinite, [0, '0'], [-1, '-1'], [1001, '1001']]],
  ],
  maxThreads: [
    [TYPE, 'of type number', noNumbers],
    [RANGE, 'an integer >= 1', [...noCounts, [0, '0'], [1.5, '1.5'], [2 ** 32, '4294967296']]],
  ],
  onProgress: [
    [
      TYPE,
      'of type function',
      [
        [null, 'null'],
        [{}, 'an instance of Object'],
        ['log', "type string ('log')"],
      ],
    ],
  ],
  transfer: [
    [
      TYPE,
      'of type boolean',
      [
        [null, 'null'],
        [1, 'type number (1)'],
        ['yes', "type string ('yes')"],
      ],
    ],
  ],
}

for (const [name, rows] of Object.entries(options)) {
  test(`options.${name}`, async (t) => {
    for (const [kind, expected, values] of rows) {
      for (const [value, received] of values) {
        for (const form of formsOf('heavyLoad')) {
          const error = await errorOf(form.run(1, { [name]: value }))
          is(t, error, kind, `options.${name}`, expected, received, `${form.name}, ${received}`)
        }
      }
    }
  })
}

test('options themselves', async (t) => {
  const values = [
    [null, 'null'],
    [[], 'an instance of Array'],
    ['timeout', 'type string'],
    [5, 'type number (5)'],
    [true, 'type boolean (true)'],
    [() => {}, /^a function/],
  ]
  for (const [value, received] of values) {
    for (const { name, run } of formsOf('heavyLoad')) {
      is(t, await errorOf(run(1, value)), TYPE, 'options', 'of type object', received, `${name}, ${received}`)
    }
  }
})

test('undefined stands for an option that is not given', async (t) => {
  const none = Object.fromEntries(Object.keys(options).map((name) => [name, undefined]))
  for (const { name, run } of formsOf('heavyLoad')) {
    t.is(await run(3, undefined), 3, name)
    t.is(await run(3, { ...none, pool: undefined }), 3, name)
  }
})

test('options.pool', async (t) => {
  for (const [pool, received] of [
    [null, 'null'],
    [5, 'type number (5)'],
    ['default', "type string ('default')"],
    [{}, 'an instance of Object'],
  ]) {
    is(t, await errorOf(heavyLoad(1, { pool })), TYPE, 'options.pool', 'an instance of Pool', received, received)
  }
})

test("a kernel's own option", async (t) => {
  const view = new Uint32Array(new SharedArrayBuffer(4))
  const rows = [
    [TYPE, 'of type number', noNumbers],
    [RANGE, 'an integer >= 0 and <= 4294967295', [...noCounts, [2 ** 32, '4294967296']]],
  ]
  for (const [kind, expected, values] of rows) {
    for (const [rounds, received] of values) {
      for (const { name, run } of formsOf('heavyLoadShared')) {
        const error = await errorOf(run(view, { rounds }))
        is(t, error, kind, 'options.rounds', expected, received, `${name}, ${received}`)
      }
    }
  }
  t.is(view[0], 0, 'nothing has run')
})

test('something that only looks like a signal', async (t) => {
  // It cannot be listened to and left again: taken for a signal, it would leave the promise unsettled.
  const signal = { aborted: false, addEventListener() {} }
  for (const { name, run } of formsOf('heavyLoad')) {
    t.is((await errorOf(run(1, { signal }))).code, 'ERR_INVALID_ARG_TYPE', name)
  }
})

test('the name of a kernel', async (t) => {
  for (const name of ['nope', '', 'heavyLoadSync', 'toString', '__proto__']) {
    const error = await errorOf(defaultPool.run(name, 1))
    t.is(error.code, 'ERR_UNKNOWN_KERNEL', name)
    t.is(error.name, 'HeavyLoadError')
    t.true(error instanceof HeavyLoadError && error instanceof Error)
    t.true(error.message.includes(`'${name}'`) && error.message.includes('heavyLoadShared'), error.message)
  }
  for (const [kernel, received] of [[undefined, 'undefined'], ...noNumbers.filter(([value]) => value !== '5')]) {
    is(t, await errorOf(defaultPool.run(kernel, 1)), TYPE, 'kernel', "a kernel's name", received, String(received))
  }
})

test('a value is cut where a message shows it', async (t) => {
  const long = 'x'.repeat(1000)
  const huge = 10n ** 300n
  const errors = [
    () => heavyLoad(1e300),
    () => spin(-1e300),
    () => heavyLoad(huge),
    () => heavyLoad(long),
    () => heavyLoad(new (class extends Date {})()),
    () => heavyLoad(Object.assign(() => {}, { constructor: { name: long } })),
    () => heavyLoad(1, { timeout: -1e300 }),
    () => heavyLoad(1, { timeout: huge }),
    () => heavyLoad(1, { priority: long }),
    () => heavyLoad(1, { priority: huge }),
    () => heavyLoad(1, { priority: Array(1000).fill(long) }),
    () => heavyLoad(1, { priority: Object.fromEntries(Array.from({ length: 1000 }, (_, key) => [key, long])) }),
    () => heavyLoad(1, { key: Symbol(long) }),
    () => heavyLoad(1, { key: Object.defineProperty(() => {}, 'name', { value: long }) }),
    () => heavyLoad(1, { key: { constructor: { name: long } } }),
    () => hash('x', { algorithm: long }),
    () => hash(Buffer.of(1), { algorithm: long }),
    () => hash(Buffer.of(1), { encoding: long }),
    () => defaultPool.run(long, 1),
    async () => new Pool({ name: long }),
    async () => new Pool({ threads: 1e300 }),
  ]
  for (const call of errors) {
    const { message } = await errorOf(call())
    t.true(message.length < 300, message)
    t.false(/0{40}|x{40}/.test(message), message)
  }
  t.true((await errorOf(heavyLoad(1e300))).message.endsWith('Received 1e+300'))
  t.true((await errorOf(heavyLoad(huge))).message.endsWith('Received type bigint'))
  t.true((await errorOf(heavyLoad(1, { timeout: huge }))).message.endsWith(`(${String(huge).slice(0, 25)}...)`))
})

test('what cannot be shown breaks no message', async (t) => {
  const hostile = new Proxy(() => {}, {
    get() {
      throw new Error('foreign')
    },
  })
  const symbolic = Object.defineProperty(() => {}, 'name', { value: Symbol('name') })
  const inspected = {
    [Symbol.for('nodejs.util.inspect.custom')]() {
      throw new Error('foreign')
    },
  }
  for (const value of [hostile, symbolic, [hostile], inspected, [inspected]]) {
    t.is((await errorOf(heavyLoad(1, { key: value }))).code, 'ERR_INVALID_ARG_TYPE')
    t.is((await errorOf(heavyLoad(1, { priority: value }))).code, 'ERR_INVALID_ARG_VALUE')
  }
})

test("errors have the caller's stack, whatever form", async (t) => {
  const here = fileURLToPath(import.meta.url)
  const thrown = t.throws(() => heavyLoadSync(-1))
  for (const error of [thrown, await errorOf(heavyLoad(-1)), await errorOf(heavyLoadAsync(-1))]) {
    t.true(error.stack.includes(here), error.stack)
  }
})

/** An error that comes long after the call, from each form that has such. */
const LATE = {
  'a timeout': async (run) => await run(1e12, { timeout: 20 }),
  'an abort': async (run) => {
    const controller = new AbortController()
    setImmediate(() => controller.abort())
    return await run(1e12, { signal: controller.signal })
  },
}
for (const [name, call] of Object.entries(LATE)) {
  for (const { name: form, run } of promiseFormsOf('heavyLoad')) {
    test(`the error of ${name} shows who awaits it, ${form}`, async (t) => {
      async function theRoute() {
        await call(run)
      }
      const error = await errorOf(theRoute())
      t.regex(error.stack, /^(TimeoutError|AbortError): /)
      t.true(error.stack.includes('theRoute'), error.stack)
      t.true(error.stack.includes(fileURLToPath(import.meta.url)), error.stack)
    })
  }
}

test('so do the errors of a closed pool, of a kernel that panics, and of one task of many', async (t) => {
  const pool = new Pool({ threads: 1 })
  async function theRoute(promise) {
    return await promise
  }
  async function theLoop() {
    for await (const _ of pool.map('heavyLoad', [1e12], { timeout: 20 }));
  }
  const errors = [await errorOf(theRoute(pool.run('misbehave', 'step'))), await errorOf(theLoop())]
  const closed = errorOf(theRoute(pool.run('heavyLoad', 1e12)))
  await pool.close({ force: true })
  errors.push(await closed)
  t.deepEqual(
    errors.map(({ code }) => code),
    ['ERR_KERNEL_PANIC', 'ERR_TASK_TIMEOUT', 'ERR_POOL_CLOSED'],
  )
  for (const { stack } of errors) t.regex(stack, /theRoute|theLoop/)
})

test('a pool in the options of run and map is refused, which would run where they are anyway', async (t) => {
  const [pool, other] = [new Pool({ threads: 1 }), new Pool({ threads: 1 })]
  const value = { code: 'ERR_INVALID_ARG_VALUE', message: /^The "options\.pool" property/ }
  for (const options of [{ pool }, { pool: other }, { pool: null }]) {
    await t.throwsAsync(pool.run('heavyLoad', 1, options), value)
    await t.throwsAsync(pool.map('heavyLoad', [1], options).next(), value)
  }
  t.is(await pool.run('heavyLoad', 1, { pool: undefined }), 1)
  t.is(await heavyLoad(1, { pool }), 1)
  const custom = { run: async (kernel, input, options) => [kernel, input, options] }
  t.deepEqual(await heavyLoad(1, { pool: custom, key: 'a' }), ['heavyLoad', 1, { key: 'a' }])
  class Logged extends Pool {
    calls = []
    run(kernel, input, options) {
      this.calls.push([kernel, input])
      return super.run(kernel, input, options)
    }
  }
  const logged = new Logged({ threads: 1 })
  t.is(await heavyLoad(3, { pool: logged }), 3)
  t.deepEqual(logged.calls, [['heavyLoad', 3]], "a pool of the caller's own class is called by its method")
  await Promise.all([pool.close(), other.close(), logged.close()])
})

test('calls that were refused for their arguments count nowhere', async (t) => {
  const pool = new Pool({ threads: 1 })
  const before = pool.stats()
  await errorOf(heavyLoad(-1, { pool }))
  await errorOf(heavyLoad(1, { pool, timeout: -1 }))
  await errorOf(pool.run('nope', 1))
  await errorOf(pool.run('heavyLoad', -1))
  const { utilization, uptime, ...counts } = pool.stats()
  t.like(before, counts)
  await pool.close()
})

test('who takes a function of JavaScript for a kernel, or text for bytes, learns what they are', async (t) => {
  const error = await errorOf(defaultPool.run(() => 5, 5))
  is(t, error, TYPE, 'kernel', "a kernel or a kernel's name: a kernel is native code", 'a function', 'no kernel')
  for (const { run } of formsOf('hash')) {
    const { message } = await errorOf(run('text'))
    t.true(message.endsWith(" Received type string ('text'). Buffer.from(text) makes bytes of text"), message)
  }
})
