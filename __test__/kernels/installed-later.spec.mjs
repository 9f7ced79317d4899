// A kernel that is installed while the process runs, by whichever thread, is known to all of it from then on.
import '../helpers/test-addon.mjs'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import test from 'ava'
import api from 'heavy-load'
import { openPool } from '../helpers/pool.mjs'

const { defaultPool, kernel } = api
const require = createRequire(import.meta.url)
const { kernels } = require('../../lib/native.js')
const before = kernels().map(({ name }) => name)

test.before('until then there is none of its name', async (t) => {
  t.throws(() => kernel('later'), { code: 'ERR_UNKNOWN_KERNEL' })
  await t.throwsAsync(defaultPool.run('later', 1), { code: 'ERR_UNKNOWN_KERNEL' })
  const install = `
    const { kernel } = require('heavy-load')
    const { installLater } = require('./lib/native.js')
    const number = installLater()
    kernel('later')(1).then((sum) => require('node:worker_threads').parentPort.postMessage({ number, sum }))`
  const worker = new Worker(install, { eval: true })
  const [message] = await once(worker, 'message')
  t.deepEqual(message, { number: before.length, sum: 2 }, 'the thread that has installed it runs it')
  await once(worker, 'exit')
})

test('the others keep their numbers', (t) => {
  t.deepEqual(
    kernels().map(({ name }) => name),
    [...before, 'later'],
  )
})

test('it runs by its name, on every pool', async (t) => {
  t.is(await kernel('later')(1), 2)
  const pool = openPool(t, { threads: 1 })
  t.is(await pool.run('later', 5, { by: 7 }), 12)
  const values = []
  for await (const { value } of pool.map('later', [1, 2], { by: 2 })) values.push(value)
  t.deepEqual(values, [3, 4])
  t.is(pool.stats().completed, 3)
})

test('its own options and its input are checked', async (t) => {
  const later = kernel('later')
  await t.throwsAsync(later(1, { bi: 2 }), { message: /Did you mean 'by'\?/ })
  await t.throwsAsync(later(-1), { code: 'ERR_OUT_OF_RANGE', message: /"number"/ })
})

test('many calls of it are batched with those of others', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const results = Array.from({ length: 300 }, (_, i) => pool.run(i % 2 === 0 ? 'later' : 'heavyLoad', i))
  const sums = Array.from({ length: 300 }, (_, i) => (i % 2 === 0 ? i + 1 : i))
  t.deepEqual(await Promise.all(results), sums)
})

test('it is installed once', (t) => {
  const { installLater } = require('../../lib/native.js')
  t.throws(installLater, { message: /There is a kernel 'later' already/ })
})
