// Many tasks at once: all of them settle, and the event loop keeps turning meanwhile.
import test from 'ava'
import { openPool } from '../helpers/pool.mjs'
import { turn } from '../helpers/turns.mjs'

const MANY = 20_000

test.serial('20,000 tasks at once all settle, each with its own result', async (t) => {
  const pool = openPool(t, { threads: 2, maxQueue: Infinity })
  const results = await Promise.all(Array.from({ length: MANY }, (_, number) => pool.run('heavyLoad', number)))
  t.true(results.every((result, number) => result === number))
  t.like(pool.stats(), { completed: MANY, queued: 0, running: 0, rejected: 0 })
})

test.serial('a burst of completions lets the event loop turn', async (t) => {
  const pool = openPool(t, { threads: 2, maxQueue: Infinity })
  let settled = 0
  for (let number = 0; number < MANY; number++) pool.run('heavyLoad', 1).then(() => settled++)
  // The event loop stands still until all of them have ended: their completions wait for it together.
  for (let { queued, running } = pool.stats(); queued + running > 0; ) ({ queued, running } = pool.stats())
  t.is(settled, 0)
  let turnsBetween = 0
  while (settled < MANY) {
    await turn()
    if (settled > 0 && settled < MANY) turnsBetween++
  }
  t.true(turnsBetween >= 10, `${turnsBetween} turns`)
})

test.serial('a burst of completions lets timers and other promises have their turn', async (t) => {
  const pool = openPool(t, { threads: 2, maxQueue: Infinity })
  let settled = 0
  for (let number = 0; number < MANY; number++) pool.run('heavyLoad', 1).then(() => settled++)
  for (let { queued, running } = pool.stats(); queued + running > 0; ) ({ queued, running } = pool.stats())
  const settledAtTimer = await new Promise((resolve) => setTimeout(() => resolve(settled), 1))
  t.true(settledAtTimer < MANY, `${settledAtTimer} settled before a timer of 1 ms`)
  while (settled < MANY) await turn()
})
