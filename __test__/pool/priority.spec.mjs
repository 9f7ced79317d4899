// Priority classes: strict, within about a millisecond, also against running tasks.
import { setTimeout } from 'node:timers/promises'
import test from 'ava'
import { heavyLoad, spin } from 'heavy-load'
import { hold, openPool } from '../helpers/pool.mjs'
import { until } from '../helpers/turns.mjs'

test.serial('high before normal before low', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const release = await hold(pool)
  const order = []
  const tasks = []
  for (const priority of ['low', 'normal', 'high', 'low', 'normal', 'high']) {
    tasks.push(spin(3, { pool, priority }).then(() => order.push(priority)))
  }
  await release()
  await Promise.all(tasks)
  t.deepEqual(order, ['high', 'high', 'normal', 'normal', 'low', 'low'])
})

test.serial('normal is the default', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const release = await hold(pool)
  const order = []
  const tasks = [
    spin(3, { pool, priority: 'low' }).then(() => order.push('low')),
    pool.run('spin', 3).then(() => order.push('none')),
    spin(3, { pool, priority: 'high' }).then(() => order.push('high')),
  ]
  await release()
  await Promise.all(tasks)
  t.deepEqual(order, ['high', 'none', 'low'])
})

test.serial('a running task pauses while a higher class has work', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const order = []
  const low = spin(400, { pool, priority: 'low' }).then(() => order.push('low'))
  await until(() => pool.stats().running === 1)
  const high = Array.from({ length: 10 }, () => spin(20, { pool, priority: 'high' }).then(() => order.push('high')))
  await Promise.all([low, ...high])
  t.deepEqual(order, [...Array(10).fill('high'), 'low'])
})

test.serial('it stands still until they are done, then goes on', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const reported = []
  const low = heavyLoad(3e9, { pool, priority: 'low', onProgress: (fraction) => reported.push(fraction) })
  await until(() => reported.some((fraction) => fraction > 0))
  const release = await hold(pool)
  await spin(1, { pool, priority: 'high' })
  // Progress is looked at every 50 ms: what its last morsels did has been reported by then.
  await setTimeout(100)
  const before = reported.length
  await spin(200, { pool, priority: 'high' })
  await setTimeout(100)
  t.is(reported.length, before)
  await release()
  t.is(await low, 3e9)
  t.is(reported.at(-1), 1)
})
