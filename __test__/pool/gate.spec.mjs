// gate: an async function of the caller's as a task of the pool, in its order and within its limits.
import { AsyncLocalStorage } from 'node:async_hooks'
import { tracingChannel } from 'node:diagnostics_channel'
import test from 'ava'
import { heavyLoad, Pool, spin } from 'heavy-load'
import { registerMetrics } from 'heavy-load/metrics'
import { Registry } from 'prom-client'
import { codeOf, errorOf } from '../helpers/errors.mjs'
import { hold, idle, openPool, outcome } from '../helpers/pool.mjs'
import { turn, until } from '../helpers/turns.mjs'

/** Functions that settle when the test says so, and what has become of them. */
function works() {
  const begun = []
  const ends = new Map()
  return {
    begun,
    /** A function by this name. */
    work: (name) => () => {
      begun.push(name)
      return new Promise((resolve) => ends.set(name, () => resolve(name)))
    },
    end: (name) => ends.get(name)(),
  }
}

test('gives what the function gives', async (t) => {
  const pool = openPool(t, { threads: 1 })
  t.is(await pool.gate(async () => 5), 5)
  t.is(await pool.gate(() => 'not a promise'), 'not a promise')
  // biome-ignore lint/suspicious/noThenProperty: what is no promise, and has a then
  t.is(await pool.gate(() => ({ then: (resolve) => resolve('thenable') })), 'thenable')
  const error = new Error('of its own')
  t.is(await errorOf(pool.gate(() => Promise.reject(error))), error)
  const thrown = () => {
    throw error
  }
  t.is(await errorOf(pool.gate(thrown)), error)
  const getter = {
    // biome-ignore lint/suspicious/noThenProperty: code of the caller's that throws
    get then() {
      throw error
    },
  }
  t.is(await errorOf(pool.gate(() => getter)), error)
  await idle(pool)
  const { completed, failed, wait, run } = pool.stats()
  t.deepEqual([completed, failed, wait.count, run.count], [3, 3, 6, 6])
})

test('never calls the function before it has returned', async (t) => {
  const pool = openPool(t, { threads: 1 })
  let called = false
  const gated = pool.gate(() => {
    called = true
  })
  t.false(called)
  await gated
  t.true(called)
})

test('as many run as there are threads, and in order', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const { begun, work, end } = works()
  const gated = Array.from({ length: 6 }, (_, name) => pool.gate(work(name)))
  await until(() => begun.length === 2)
  const { running, queued } = pool.stats()
  t.deepEqual([running, queued], [2, 4])
  for (let next = 0; next < 6; next++) {
    t.deepEqual(begun, [0, 1, 2, 3, 4, 5].slice(0, Math.min(next + 2, 6)))
    end(next)
    t.is(await gated[next], next)
    if (next < 4) await until(() => begun.length === next + 3)
  }
  await idle(pool)
})

test("a kernel's task waits for the first that runs, and not for those that wait", async (t) => {
  const pool = openPool(t, { threads: 2 })
  const { begun, work, end } = works()
  const gated = Array.from({ length: 8 }, (_, name) => pool.gate(work(name)))
  await until(() => begun.length === 2)
  const short = heavyLoad(1000, { pool })
  end(1)
  t.is(await short, 1000)
  t.true(begun.length <= 3, 'gates that waited have gone before it')
  for (let next = 0; next < 8; next++) {
    if (next !== 1) {
      await until(() => begun.includes(next))
      end(next)
    }
  }
  await Promise.all(gated)
})

test('gates run although kernels have endless work', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const controller = new AbortController()
  const endless = outcome(spin(1e9, { pool, signal: controller.signal }))
  await until(() => pool.stats().running === 1)
  t.is(await pool.gate(async () => 'done'), 'done')
  controller.abort()
  t.is(await endless, 'ABORT_ERR')
})

test('priorities are strict', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const release = await hold(pool)
  const order = []
  const gate = (priority) => pool.gate(() => order.push(priority), { priority })
  const gated = ['low', 'normal', 'high'].map(gate)
  await release()
  await Promise.all(gated)
  t.deepEqual(order, ['high', 'normal', 'low'])
})

test('what they take counts for their key', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const order = []
  const sleep = () => new Promise((resolve) => setTimeout(resolve, 20))
  // Known to take long, so that what counts is what they have used.
  await pool.gate(sleep)
  const gate = (key) => pool.gate(() => sleep().then(() => order.push(key)), { key })
  const gated = [...Array(12).fill('many'), 'one', 'one'].map(gate)
  await Promise.all(gated)
  t.true(order.lastIndexOf('one') < 9, String(order))
})

test('memory is taken while they run', async (t) => {
  const pool = openPool(t, { threads: 3, maxMemory: 100 })
  const { begun, work, end } = works()
  const large = pool.gate(work('large'), { memory: 60 })
  const other = pool.gate(work('other'), { memory: 60 })
  const small = pool.gate(work('small'), { memory: 30 })
  await until(() => begun.length === 2)
  t.deepEqual(begun, ['large', 'small'])
  t.is(pool.stats().memory, 90)
  end('large')
  await large
  await until(() => begun.length === 3)
  end('other')
  end('small')
  await Promise.all([other, small])
  await idle(pool)
  t.is(pool.stats().memory, 0)
  t.is(await pool.gate(async () => 'alone', { memory: Infinity }), 'alone')
})

test('a full queue refuses them', async (t) => {
  const pool = openPool(t, { threads: 1, maxQueue: 0 })
  const { begun, work, end } = works()
  const held = pool.gate(work('held'))
  await until(() => begun.length === 1)
  t.is(await codeOf(pool.gate(work('refused'))), 'ERR_POOL_OVERLOADED')
  t.is(await codeOf(heavyLoad(1, { pool })), 'ERR_POOL_OVERLOADED')
  end('held')
  await held
  t.deepEqual(begun, ['held'])
  t.is(pool.stats().rejected, 2)
})

test('what could not be done in its time is refused, and what they take is known', async (t) => {
  const pool = openPool(t, { threads: 1 })
  await pool.gate(() => new Promise((resolve) => setTimeout(resolve, 50)))
  const { begun, work, end } = works()
  const gated = [pool.gate(work(0)), pool.gate(work(1))]
  await until(() => begun.length === 1)
  t.is(await codeOf(pool.gate(work(2), { timeout: 1 })), 'ERR_POOL_OVERLOADED')
  end(0)
  await until(() => begun.length === 2)
  end(1)
  await Promise.all(gated)
})

test('the function is called in the async context of the call', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const storage = new AsyncLocalStorage()
  const { begun, work, end } = works()
  const held = storage.run('held', () => pool.gate(work('held')))
  const waiting = storage.run('waiting', () => pool.gate(() => storage.getStore()))
  await until(() => begun.length === 1)
  end('held')
  t.is(await waiting, 'waiting')
  await held
  await storage.run('after', async () => {
    await pool.gate(() => 1)
    t.is(storage.getStore(), 'after')
  })
})

test('refuses what it does not take, and counts it nowhere', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const never = () => t.fail()
  for (const fn of [undefined, null, 'fn', {}]) t.is(await codeOf(pool.gate(fn)), 'ERR_INVALID_ARG_TYPE')
  const refused = [
    [{ memory: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ memory: Number.NaN }, 'ERR_OUT_OF_RANGE'],
    [{ memory: '1' }, 'ERR_INVALID_ARG_TYPE'],
    [{ onProgress: () => {} }, 'ERR_INVALID_ARG_VALUE'],
    [{ transfer: true }, 'ERR_INVALID_ARG_VALUE'],
    [{ memori: 1 }, 'ERR_INVALID_ARG_VALUE'],
    [{ pool: new Pool({ threads: 1 }) }, 'ERR_INVALID_ARG_VALUE'],
    [{ timeout: 0 }, 'ERR_OUT_OF_RANGE'],
    [null, 'ERR_INVALID_ARG_TYPE'],
  ]
  for (const [options, code] of refused) t.is(await codeOf(pool.gate(never, options)), code, JSON.stringify(options))
  t.regex((await errorOf(pool.gate(never, { memori: 1 }))).message, /Did you mean 'memory'/)
  t.is(await pool.gate(() => 1, { onProgress: undefined, maxThreads: 2, weight: 3 }), 1)
  const { completed, failed, rejected } = pool.stats()
  t.deepEqual([completed, failed, rejected], [1, 0, 0])
})

test.serial("metrics and traces call them 'gate'", async (t) => {
  const register = new Registry()
  const pool = openPool(t, { threads: 1, name: 'gated' })
  t.teardown(registerMetrics(register, { pools: [pool] }))
  const channel = tracingChannel('heavy-load.task')
  const events = []
  const subscribers = { start: ({ kernel, pool }) => events.push([kernel, pool]) }
  channel.subscribe(subscribers)
  t.teardown(() => channel.unsubscribe(subscribers))
  await pool.gate(async () => 1)
  await outcome(pool.gate(async () => Promise.reject(new Error('x'))))
  t.deepEqual(events, Array(2).fill(['gate', 'gated']))
  const { values } = await register.getSingleMetric('heavy_load_tasks_total').get()
  const counted = values
    .filter(({ value }) => value > 0)
    .map(({ labels, value }) => [labels.kernel, labels.outcome, value])
  t.deepEqual(counted.sort(), [
    ['gate', 'completed', 1],
    ['gate', 'failed', 1],
  ])
})

test('a function may wait for tasks of another pool', async (t) => {
  const [pool, other] = [openPool(t, { threads: 1 }), openPool(t, { threads: 1 })]
  const gated = Array.from({ length: 10 }, (_, n) => pool.gate(() => heavyLoad(n, { pool: other })))
  t.deepEqual(await Promise.all(gated), [...Array(10).keys()])
})

test('an error of a task within is passed on, and counts as a failure', async (t) => {
  const [pool, other] = [openPool(t, { threads: 1 }), openPool(t, { threads: 1 })]
  await other.close()
  t.is(await codeOf(pool.gate(() => heavyLoad(1, { pool: other }))), 'ERR_POOL_CLOSED')
  t.is(pool.stats().failed, 1)
})

test('many at once', async (t) => {
  const pool = openPool(t, { threads: 2 })
  let running = 0
  let most = 0
  const work = async (n) => {
    most = Math.max(most, ++running)
    if (n % 3 === 0) await turn()
    running--
    return n
  }
  const numbers = [...Array(2000).keys()]
  t.deepEqual(
    await Promise.all(numbers.map((n) => (n % 2 === 0 ? pool.gate(() => work(n)) : heavyLoad(n, { pool })))),
    numbers,
  )
  t.true(most <= 2)
  await idle(pool)
  t.is(pool.stats().completed, 2000)
})
