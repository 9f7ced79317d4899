// `maxMemory`: what tasks take once they have begun, in all; what waits, and for how long.
import '../helpers/test-addon.mjs'
import test from 'ava'
import { Pool, sort } from 'heavy-load'
import { runFixture } from '../helpers/child.mjs'
import { hold, idle, openPool, outcome } from '../helpers/pool.mjs'
import { until } from '../helpers/turns.mjs'

const MIB = 2 ** 20
const LONGEST_MS = 300_000

/** Sizes in MiB, none so small that malloc keeps what is free; times in milliseconds. */
const LOADS = {
  'equal tasks': { count: 500, sizes: [64], times: [5] },
  'long and short, large and small ones': { count: 500, sizes: [0, 40, 48, 64, 250], times: [1, 5, 30] },
  'ones that need more than there is': { count: 60, sizes: [300, 40, 64], times: [2] },
}

for (const [name, load] of Object.entries(LOADS)) {
  test.serial(`${name}: memory grows with the budget, not with the queue, and all end`, async (t) => {
    // They touch 40 GiB in all: on a busy machine for minutes.
    t.timeout(2 * LONGEST_MS)
    const args = [JSON.stringify(load)]
    const { code, signal, stdout, stderr } = await runFixture('memory-budget', { args, longest: LONGEST_MS })
    t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
    const { peakMiB, most, right, left } = JSON.parse(stdout)
    t.is(right, load.count)
    t.is(left, 0, 'all was given back')
    const largest = Math.max(...load.sizes)
    t.true(most <= Math.max(256, largest) * MIB, `${most} bytes at once by their own account`)
    t.true(peakMiB <= 44 + Math.max(256, largest), `grew by ${peakMiB} MiB`)
  })
}

test.serial('a large task that waits is not passed for ever', async (t) => {
  const pool = openPool(t, { threads: 2, maxMemory: 100 * MIB })
  const order = []
  const note = (name) => () => order.push(name)
  const first = pool.run('hold', 60, { ms: 20 }).then(note('first'))
  await until(() => pool.stats().memory === 60 * MIB)
  // While it runs, no other that takes memory does.
  const large = pool.run('hold', 100, { ms: 1 }).then(note('large'))
  const small = Array.from({ length: 200 }, () => pool.run('hold', 10, { ms: 1 }).then(note('small')))
  await Promise.all([first, large, ...small])
  t.true(order.indexOf('large') < 100, `it was number ${order.indexOf('large')} of ${order.length}`)
  t.is(pool.stats().memory, 0)
})

test.serial('what waits for memory can be stopped, expires, and makes room', async (t) => {
  const pool = openPool(t, { threads: 2, maxMemory: 100 * MIB })
  const controller = new AbortController()
  const running = outcome(pool.run('hold', 80, { ms: 60_000, signal: controller.signal }))
  await until(() => pool.stats().memory === 80 * MIB)
  const gone = new AbortController()
  const waiting = [
    outcome(pool.run('hold', 50, { signal: gone.signal })),
    outcome(pool.run('hold', 50, { timeout: 30 })),
    outcome(pool.run('hold', 90)),
  ]
  t.is(await outcome(pool.run('hold', 20)), 'ok', 'what fits goes first')
  t.is(await outcome(pool.run('heavyLoad', 1000)), 'ok', 'and what takes none')
  gone.abort()
  t.is(await waiting[0], 'ABORT_ERR')
  t.true(['ERR_TASK_TIMEOUT', 'ERR_POOL_OVERLOADED'].includes(await waiting[1]))
  controller.abort()
  t.is(await running, 'ABORT_ERR')
  t.is(await waiting[2], 'ok')
  await idle(pool)
  t.is(pool.stats().memory, 0)
})

test.serial('sort says what it takes', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const view = new Float64Array(new SharedArrayBuffer(8 * MIB)).fill(1)
  const release = await hold(pool)
  const sorted = sort(view, { pool })
  t.is(pool.stats().memory, 0, 'nothing while it is queued')
  await release()
  let most = 0
  const sees = () => {
    most = Math.max(most, pool.stats().memory)
    return most > 0
  }
  await Promise.race([sorted, until(sees)])
  await sorted
  t.is(most, 16 * MIB, 'a copy, and a buffer to merge into')
  t.is(pool.stats().memory, 0)
})

test.serial('refuses what is no amount of memory', (t) => {
  for (const maxMemory of [0, -1, Number.NaN]) {
    t.throws(() => new Pool({ maxMemory }), { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' })
  }
  t.throws(() => new Pool({ maxMemory: '1GB' }), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
})
