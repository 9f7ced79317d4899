import assert from 'node:assert'
import test from 'node:test'
import { defaultPool } from 'heavy-load'
import kernels from './index.mjs'

const { countPrimes, countPrimesSync, countPrimesAsync } = kernels

test('counts primes, in all three forms', async () => {
  assert.equal(countPrimesSync(100), 25)
  assert.equal(await countPrimesAsync(100), 25)
  assert.equal(await countPrimes(100), 25)
  assert.deepEqual(await Promise.all([10, 100, 1000].map((limit) => countPrimes(limit))), [4, 25, 168])
})

test('stops when it is aborted', async () => {
  const controller = new AbortController()
  const task = countPrimes(1e9, { signal: controller.signal, onProgress: () => controller.abort() })
  await assert.rejects(task, { name: 'AbortError' })
})

test('says what is wrong', async () => {
  await assert.rejects(countPrimes(-1), { code: 'ERR_OUT_OF_RANGE' })
  await assert.rejects(defaultPool.run('countPrimes', 'many'), { code: 'ERR_INVALID_ARG_TYPE' })
})
