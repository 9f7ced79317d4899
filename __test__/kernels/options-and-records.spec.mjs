// Options that are arrays, objects or typed arrays, and results that are objects of several values: in every form, of kernels that are
// built in and of plug-ins, which have one more border to cross.
import '../helpers/test-addon.mjs'
import test from 'ava'
import { kernel, loadKernels } from 'heavy-load'
import { errorOf } from '../helpers/errors.mjs'
import { PLUGGED } from '../helpers/plugins.mjs'
import { openPool } from '../helpers/pool.mjs'

const plugged = loadKernels(PLUGGED)
const FORMS = [
  { name: 'record', run: kernel('record') },
  ...['pluggedRecord', 'pluggedRecordSync', 'pluggedRecordAsync'].map((name) => {
    return { name, run: async (...args) => plugged[name](...args) }
  }),
]

for (const { name, run } of FORMS) {
  test(`${name}: a result of several values`, async (t) => {
    const query = new Float32Array([0.5, 2]).subarray(1)
    const record = await run(0, { list: ['a', { b: [1, null] }], query })
    t.deepEqual(Object.keys(record), ['list', 'query', 'sum', 'large', '__proto__', 'text'])
    t.is(Object.getPrototypeOf(record), Object.prototype)
    t.is(Object.getOwnPropertyDescriptor(record, '__proto__').value, true)
    t.deepEqual(record.list, ['a', { b: [1, null] }])
    t.deepEqual(record.query, new Float32Array([2]))
    t.is(record.sum, 2)
    t.deepEqual(record.large, Buffer.alloc(100_000, 7))
    t.is(record.text, 'é')
  })

  test(`${name}: options that are arrays, objects or typed arrays`, async (t) => {
    t.deepEqual((await run(0, { list: { a: 1 } })).list, { a: 1 })
    t.is((await run(0)).list, undefined)
    const shared = new Float32Array(new SharedArrayBuffer(12)).fill(1)
    t.is((await run(0, { query: shared })).sum, 3)
    t.deepEqual((await run(0, { query: new Float32Array() })).query, new Float32Array())
    for (const [options, expected, received] of [
      [{ list: '[]' }, 'an array or an object', "type string ('[]')"],
      [{ list: null }, 'an array or an object', 'null'],
      [{ list: new Date(0) }, 'an array or an object', 'an instance of Date'],
      [{ list: () => 0 }, 'an array or an object', 'a function'],
      [{ query: [1] }, /an instance of (Float32Array|TypedArray)/, 'an instance of Array'],
      [{ query: new Float64Array(1) }, 'an instance of Float32Array', 'an instance of Float64Array'],
    ]) {
      const error = await errorOf(run(0, options))
      t.is(error.code, 'ERR_INVALID_ARG_TYPE')
      t.regex(error.message, typeof expected === 'string' ? new RegExp(expected) : expected)
      t.true(error.message.endsWith(`Received ${received}`), error.message)
    }
  })

  test(`${name}: what an option's own code throws is passed on`, async (t) => {
    const own = new Error('of the caller')
    const throwing = {
      toJSON() {
        throw own
      },
    }
    t.is(await errorOf(run(0, { list: [throwing] })), own)
    const circular = []
    circular.push(circular)
    t.regex((await errorOf(run(0, { list: circular }))).message, /circular/i)
    t.regex((await errorOf(run(0, { list: [1n] }))).message, /BigInt/)
  })
}

test('options are read when the call is made', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const [list, query] = [[1], new Float32Array([1])]
  const records = ['record', 'pluggedRecord'].map((kernel) => pool.run(kernel, 0, { list, query }))
  list.push(2)
  query[0] = 5
  for (const record of await Promise.all(records)) t.like(record, { list: [1], sum: 1 })
})
