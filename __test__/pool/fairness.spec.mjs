// Keys: tenants in one class share the threads' time, whatever each of them has queued.
import test from 'ava'
import { spin } from 'heavy-load'
import { hold, openPool } from '../helpers/pool.mjs'

/** Queues tasks of each tenant, one tenant after the other, and tells whose they were in the order of their ends. */
async function orderOfEnds(t, tenants) {
  const pool = openPool(t, { threads: 1, niceness: 0 })
  const release = await hold(pool)
  const order = []
  const tasks = tenants.flatMap(({ count, ms, ...options }) =>
    Array.from({ length: count }, () => spin(ms, { pool, ...options }).then(() => order.push(options.key))),
  )
  await release()
  await Promise.all(tasks)
  return order
}

test.serial('a flood of one key costs others next to nothing', async (t) => {
  const order = await orderOfEnds(t, [
    { key: 'a', count: 200, ms: 5 },
    { key: 'b', count: 20, ms: 5 },
  ])
  // It is number 40, but for what other processes take; first in, first out would be 220.
  t.true(order.lastIndexOf('b') < 220 / 3, `b's last was number ${order.lastIndexOf('b')}`)
})

test.serial('tasks without a key are one tenant', async (t) => {
  const order = await orderOfEnds(t, [
    { key: undefined, count: 200, ms: 5 },
    { key: 'b', count: 20, ms: 5 },
  ])
  // It is number 40, but for what other processes take; first in, first out would be 220.
  t.true(order.lastIndexOf('b') < 220 / 3, `b's last was number ${order.lastIndexOf('b')}`)
})

test.serial('long tasks of one key cost others no more than short ones', async (t) => {
  const order = await orderOfEnds(t, [
    { key: 'long', count: 10, ms: 100 },
    { key: 'short', count: 20, ms: 5 },
  ])
  // The first long one is due just when all the short ones are, but for what other processes take from each; by numbers it would be second.
  t.true(order.indexOf('long') >= 5, `the first long one was number ${order.indexOf('long')}`)
})

test.serial('weights are shares', async (t) => {
  // Tasks of one morsel, so that as much time has been given as tasks have ended.
  const order = await orderOfEnds(t, [
    { key: 'one', count: 600, ms: 1, weight: 1 },
    { key: 'three', count: 600, ms: 1, weight: 3 },
  ])
  // While both have work: 600 of weight 3 are 800 in all.
  const both = order.slice(0, 720)
  const share = both.filter((key) => key === 'three').length / both.length
  t.true(Math.abs(share - 0.75) <= 0.1, `the share of weight 3 is ${share}`)
})

test.serial('equal tasks of one key end in order', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const release = await hold(pool)
  const order = []
  const tasks = Array.from({ length: 200 }, (_, number) => spin(0.5, { pool, key: 'a' }).then(() => order.push(number)))
  await release()
  await Promise.all(tasks)
  t.deepEqual(order, [...order.keys()])
})

test.serial('refuses what is no weight or key', async (t) => {
  const pool = openPool(t, { threads: 1 })
  for (const weight of [0, -1, 0.000_999, 1000.001, Number.MIN_VALUE, Number.NaN, Infinity]) {
    const error = await t.throwsAsync(spin(1, { pool, weight }), { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' })
    t.regex(error.message, /"options\.weight"/)
  }
  for (const options of [{ weight: '1' }, { weight: null }, { key: 5 }, { key: null }, { key: Symbol('a') }]) {
    await t.throwsAsync(spin(1, { pool, ...options }), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
  }
  await t.throwsAsync(spin(1, { pool, priority: 'urgent' }), { code: 'ERR_INVALID_ARG_VALUE' })
  for (const weight of [0.001, 1000]) {
    t.is(typeof (await spin(0, { pool, key: 'extreme', weight })), 'number')
  }
})
