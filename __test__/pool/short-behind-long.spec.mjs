// Short tasks pass long ones by themselves, also when those are running already and fill every thread.
import test from 'ava'
import { openPool } from '../helpers/pool.mjs'
import { until } from '../helpers/turns.mjs'

test.serial('short tasks that come after long ones end before them', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const order = []
  const long = Array.from({ length: 8 }, () => pool.run('heavyLoad', 2e9).then(() => order.push('long')))
  // Those that are alike run one after the other: both threads have one.
  await until(() => pool.stats().running >= 2)
  const short = Array.from({ length: 20 }, () => pool.run('spin', 2).then(() => order.push('short')))
  await Promise.all([...long, ...short])
  t.deepEqual(order, [...Array(20).fill('short'), ...Array(8).fill('long')])
})

test.serial('so do short tasks that come one after the other', async (t) => {
  const pool = openPool(t, { threads: 2 })
  let longEnded = 0
  const long = Array.from({ length: 8 }, () => pool.run('heavyLoad', 2e9).then(() => longEnded++))
  await until(() => pool.stats().running >= 2)
  for (let number = 0; number < 20; number++) await pool.run('spin', 2)
  t.is(longEnded, 0)
  await Promise.all(long)
})
