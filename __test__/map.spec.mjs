// pool.map: a kernel over many inputs, pulled only as results are consumed.
import test from 'ava'
import { defaultPool, heavyLoad } from '../index.js'
import { runFixture } from './helpers/pool-child.mjs'
import { openPool } from './helpers/pool-open.mjs'
import { ENDLESS, hold, idle, outcome } from './helpers/pool-tasks.mjs'
import { turn, until } from './helpers/pool-wait.mjs'

async function collect(iterable) {
  const results = []
  for await (const result of iterable) results.push(result)
  return results
}

/** An iterator over `inputs`, again and again without end, that notes how it is used. */
function watched(inputs) {
  const source = {
    pulled: 0,
    returned: 0,
    next: () => ({ done: false, value: inputs[source.pulled++ % inputs.length] }),
    return: () => {
      source.returned++
      return { done: true, value: undefined }
    },
    [Symbol.iterator]: () => source,
  }
  return source
}

test.serial('yields every result with its index, in the order of the inputs', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const inputs = Array.from({ length: 300 }, (_, index) => (300 - index) * 1000)
  const results = await collect(pool.map('heavyLoad', inputs))
  t.deepEqual(
    results,
    inputs.map((value, index) => ({ index, value })),
  )
})

test.serial('takes kernels by their function, and any iterable', async (t) => {
  const results = await collect(defaultPool.map(heavyLoad, new Set([3, 1, 2])))
  t.deepEqual(results, [
    { index: 0, value: 3 },
    { index: 1, value: 1 },
    { index: 2, value: 2 },
  ])
  t.deepEqual(await collect(defaultPool.map(heavyLoad, [])), [])
})

test.serial('takes async iterables', async (t) => {
  const pool = openPool(t, { threads: 2 })
  async function* inputs() {
    for (let input = 0; input < 50; input++) {
      await turn()
      yield input
    }
  }
  const results = await collect(pool.map('heavyLoad', inputs()))
  t.deepEqual(
    results.map(({ value }) => value),
    [...Array(50).keys()],
  )
})

test.serial('in order, a long task holds back what comes after it; with ordered: false it does not', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const inputs = [1e9, ...Array(10).fill(1000)]
  const ordered = await collect(pool.map('heavyLoad', inputs, { ordered: true }))
  t.is(ordered[0].index, 0)
  const asTheyFinish = await collect(pool.map('heavyLoad', inputs, { ordered: false }))
  t.is(asTheyFinish.at(-1).index, 0)
  t.true(asTheyFinish.every(({ index, value }) => value === inputs[index]))
  t.deepEqual(
    asTheyFinish.map(({ index }) => index).sort((one, other) => one - other),
    ordered.map(({ index }) => index),
  )
})

for (const ordered of [true, false]) {
  for (const concurrency of [1, 5]) {
    test.serial(`pulls no more than ${concurrency} ahead with ordered: ${ordered}`, async (t) => {
      const pool = openPool(t, { threads: 2 })
      const source = watched([1000])
      const results = pool.map('heavyLoad', source, { concurrency, ordered })
      t.is(source.pulled, 0, 'nothing before the first result is asked for')
      for (let consumed = 1; consumed <= 20; consumed++) {
        await results.next()
        t.true(source.pulled <= consumed + concurrency, `${source.pulled} after ${consumed}`)
      }
      await idle(pool)
      const { pulled } = source
      for (let turns = 0; turns < 10; turns++) await turn()
      t.is(source.pulled, pulled, 'nothing while nobody asks')
      await results.return()
    })
  }
}

test.serial('has a limit by default', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const source = watched([1000])
  const results = pool.map('heavyLoad', source)
  await results.next()
  t.true(source.pulled >= 2 && source.pulled <= 1000, String(source.pulled))
  await results.return()
})

test.serial('runs as many side by side as concurrency says', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const results = pool.map('heavyLoad', watched([ENDLESS]), { concurrency: 3 })
  const next = results.next()
  await until(() => pool.stats().running === 3)
  t.is(pool.stats().queued, 0)
  await Promise.all([pool.close({ force: true }), t.throwsAsync(next, { code: 'ERR_POOL_CLOSED' })])
})

test.serial('leaving the loop cancels what is left and closes the source', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const source = watched([1000, ENDLESS, ENDLESS])
  for await (const { index } of pool.map('heavyLoad', source, { concurrency: 6 })) {
    t.is(index, 0)
    break
  }
  t.is(source.returned, 1)
  await idle(pool)
  const { completed, cancelled } = pool.stats()
  t.is(completed + cancelled, source.pulled)
  t.true(cancelled >= 2)
})

test.serial('throwing in the loop does so, too', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const source = watched([1000, ENDLESS])
  const thrown = new Error('from the loop')
  const loop = async () => {
    for await (const _ of pool.map('heavyLoad', source)) throw thrown
  }
  t.is(await loop().catch((error) => error), thrown)
  t.is(source.returned, 1)
  await idle(pool)
})

test.serial('leaving the loop does not wait for a source that has nothing to give', async (t) => {
  const pool = openPool(t, { threads: 2 })
  let returned = 0
  let pulled = 0
  const source = {
    next: () => (pulled++ === 0 ? Promise.resolve({ done: false, value: 1000 }) : new Promise(() => {})),
    return: async () => ({ done: true, value: returned++ }),
    [Symbol.asyncIterator]: () => source,
  }
  for await (const { value } of pool.map('heavyLoad', source)) {
    t.is(value, 1000)
    break
  }
  t.is(returned, 1)
})

test.serial('an input iterator that throws ends the loop with its error', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const thrown = new Error('from the source')
  const source = watched([ENDLESS])
  const { next } = source
  source.next = () => {
    if (source.pulled === 3) throw thrown
    return next()
  }
  t.is(await collect(pool.map('heavyLoad', source)).catch((error) => error), thrown)
  t.is(source.returned, 0, 'as in any loop, one that threw is not closed')
  await idle(pool)
  t.is(pool.stats().cancelled, 3)
})

test.serial('so does an async one that rejects', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const thrown = new Error('from the source')
  async function* inputs() {
    yield ENDLESS
    throw thrown
  }
  t.is(await collect(pool.map('heavyLoad', inputs())).catch((error) => error), thrown)
  await idle(pool)
  t.is(pool.stats().cancelled, 1)
})

test.serial('a task that fails ends the loop with its error and cancels the rest', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const source = watched([ENDLESS, ENDLESS, 'bad'])
  for (const ordered of [true, false]) {
    await t.throwsAsync(collect(pool.map('heavyLoad', source, { ordered })), { code: 'ERR_INVALID_ARG_TYPE' })
    await idle(pool)
  }
  t.is(source.returned, 2)
})

test.serial('task options and kernel options go to every task', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const views = Array.from({ length: 3 }, () => new Uint32Array(new SharedArrayBuffer(4)).fill(1))
  const results = await collect(pool.map('heavyLoadShared', views, { rounds: 1 }))
  // One xorshift32 step from 1.
  t.true(results.every(({ index, value }) => value === views[index] && value[0] === 270369))
  await t.throwsAsync(collect(pool.map('heavyLoad', [ENDLESS], { timeout: 20 })), { code: 'ERR_TASK_TIMEOUT' })
  await t.throwsAsync(collect(pool.map('heavyLoad', [1], { weight: 0 })), { code: 'ERR_OUT_OF_RANGE' })
})

test.serial('a signal ends the loop', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const controller = new AbortController()
  const source = watched([1000, ENDLESS])
  const reason = new Error('enough')
  const results = pool.map('heavyLoad', source, { signal: controller.signal })
  t.like(await results.next(), { done: false, value: { index: 0, value: 1000 } })
  const next = results.next()
  controller.abort(reason)
  const error = await t.throwsAsync(next, { name: 'AbortError', code: 'ABORT_ERR' })
  t.is(error.cause, reason)
  t.is(source.returned, 1)
  await idle(pool)
  const aborted = collect(pool.map('heavyLoad', watched([1]), { signal: controller.signal }))
  await t.throwsAsync(aborted, { code: 'ABORT_ERR' })
})

test.serial('a signal ends the loop also while the source has nothing to give', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const controller = new AbortController()
  let returned = 0
  const source = {
    next: () => new Promise(() => {}),
    return: async () => ({ done: true, value: returned++ }),
    [Symbol.asyncIterator]: () => source,
  }
  const next = pool.map('heavyLoad', source, { signal: controller.signal }).next()
  await turn()
  controller.abort()
  t.is(await outcome(next), 'ABORT_ERR')
  t.is(returned, 1)
})

test.serial('waits for room instead of being refused', async (t) => {
  const pool = openPool(t, { threads: 2, maxQueue: 0 })
  const inputs = Array.from({ length: 200 }, (_, index) => index * 100)
  for (const ordered of [true, false]) {
    const results = await collect(pool.map('heavyLoad', inputs, { concurrency: 16, ordered }))
    t.deepEqual(
      results.map(({ value }) => value).sort((one, other) => one - other),
      inputs,
    )
  }
})

test.serial('says so when others leave no room at all', async (t) => {
  const pool = openPool(t, { threads: 1, maxQueue: 0 })
  const release = await hold(pool)
  await t.throwsAsync(collect(pool.map('heavyLoad', [1, 2])), { code: 'ERR_POOL_OVERLOADED' })
  await release()
})

test.serial('bad arguments reject at the first result', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const bad = [
    [['heavyLoad', 5], 'ERR_INVALID_ARG_TYPE'],
    [['heavyLoad', undefined], 'ERR_INVALID_ARG_TYPE'],
    [['heavyLoad', null], 'ERR_INVALID_ARG_TYPE'],
    [['heavyLoad', {}], 'ERR_INVALID_ARG_TYPE'],
    [['heavyLoad', [1], null], 'ERR_INVALID_ARG_TYPE'],
    [['heavyLoad', [1], 5], 'ERR_INVALID_ARG_TYPE'],
    [['heavyLoad', [1], { concurrency: '1' }], 'ERR_INVALID_ARG_TYPE'],
    [['heavyLoad', [1], { concurrency: null }], 'ERR_INVALID_ARG_TYPE'],
    [['heavyLoad', [1], { concurrency: 0 }], 'ERR_OUT_OF_RANGE'],
    [['heavyLoad', [1], { concurrency: 1.5 }], 'ERR_OUT_OF_RANGE'],
    [['heavyLoad', [1], { concurrency: Number.NaN }], 'ERR_OUT_OF_RANGE'],
    [['heavyLoad', [1], { ordered: 'no' }], 'ERR_INVALID_ARG_TYPE'],
    [['heavyLoad', [1], { ordered: null }], 'ERR_INVALID_ARG_TYPE'],
    [['heavyLoad', [1], { signal: {} }], 'ERR_INVALID_ARG_TYPE'],
    [['nonesuch', [1]], 'ERR_UNKNOWN_KERNEL'],
    [[undefined, [1]], 'ERR_INVALID_ARG_TYPE'],
  ]
  for (const [args, code] of bad) {
    const results = pool.map(...args)
    await t.throwsAsync(results.next(), { code }, JSON.stringify(args))
    t.deepEqual(await results.next(), { done: true, value: undefined })
  }
})

test.serial('a closed pool takes no inputs', async (t) => {
  const pool = openPool(t, { threads: 1 })
  await pool.close()
  await t.throwsAsync(collect(pool.map('heavyLoad', [1])), { code: 'ERR_POOL_CLOSED' })
})

test.serial('200,000 inputs take no more memory than a few', async (t) => {
  const { code, stdout, stderr } = await runFixture('map-memory', { flags: ['--expose-gc'] })
  t.is(code, 0, stderr)
  const { results, heapGrowth, residentGrowth } = JSON.parse(stdout)
  t.is(results, 200_000)
  t.true(heapGrowth < 2 ** 20, `heap grew by ${heapGrowth}`)
  t.true(residentGrowth < 2 ** 25, `resident memory grew by ${residentGrowth}`)
})
