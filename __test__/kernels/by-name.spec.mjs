// `kernel(name)` gives the pool form of any kernel that is installed.
import '../helpers/test-addon.mjs'
import { createRequire } from 'node:module'
import test from 'ava'
import api from 'heavy-load'
import { openPool } from '../helpers/pool.mjs'

const { kernel } = api
const { kernels } = createRequire(import.meta.url)('../../lib/native.js')

test('it is the function that is exported, one for each kernel', (t) => {
  const exported = kernels().filter(({ name }) => name in api)
  t.true(exported.length >= 5)
  for (const { name } of exported) t.is(kernel(name), api[name], name)
})

test('a kernel without an export of its own runs as others do', async (t) => {
  t.false('misbehave' in api)
  const form = kernel('misbehave')
  t.is(form, kernel('misbehave'))
  t.deepEqual([form.name, form.kernel], ['misbehave', 'misbehave'])
  const pool = openPool(t, { threads: 1 })
  await t.throwsAsync(form('run', { pool }), { code: 'ERR_KERNEL_PANIC' })
  t.is(pool.stats().failed, 1)
})

test('there is none of any other name', (t) => {
  for (const name of ['', 'heavyload', 'hashSync', 'toString', '__proto__', 'constructor']) {
    t.throws(() => kernel(name), { code: 'ERR_UNKNOWN_KERNEL', message: /There are: heavyLoad, / }, name)
  }
})

test('nothing but a string is a name', (t) => {
  for (const name of [undefined, null, 0, 1, Symbol('hash'), {}, ['hash'], new String('hash'), api.hash]) {
    t.throws(() => kernel(name), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
  }
})
