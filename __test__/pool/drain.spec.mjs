// Back-pressure: needsDrain, and the event that says when it has ended.
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import test from 'ava'
import { spinSync } from 'heavy-load'
import { runFixture } from '../helpers/child.mjs'
import { hold, openPool, outcome } from '../helpers/pool.mjs'

test.serial('needsDrain is true while as many tasks wait as there are threads', async (t) => {
  const pool = openPool(t, { threads: 2 })
  t.false(pool.needsDrain)
  const release = await hold(pool)
  t.false(pool.needsDrain, 'running tasks do not wait')
  const tasks = [pool.run('spin', 1)]
  t.false(pool.needsDrain)
  tasks.push(pool.run('spin', 1))
  t.true(pool.needsDrain)
  tasks.push(pool.run('spin', 1))
  t.true(pool.needsDrain)
  await release()
  await Promise.all(tasks)
  t.false(pool.needsDrain)
})

test.serial("'drain' comes once, when that ends", async (t) => {
  const pool = openPool(t, { threads: 2 })
  const release = await hold(pool)
  const seen = []
  pool.on('drain', () => seen.push(pool.needsDrain))
  const tasks = Array.from({ length: 50 }, () => pool.run('spin', 1))
  await release()
  await Promise.all(tasks)
  t.deepEqual(seen, [false])
})

test.serial("tasks that are cancelled while they wait bring 'drain', too", async (t) => {
  const pool = openPool(t, { threads: 1 })
  const release = await hold(pool)
  const controller = new AbortController()
  const options = { signal: controller.signal }
  const tasks = [outcome(pool.run('spin', 1, options)), outcome(pool.run('spin', 1, options))]
  t.true(pool.needsDrain)
  const drained = once(pool, 'drain')
  controller.abort()
  await drained
  t.false(pool.needsDrain)
  t.deepEqual(await Promise.all(tasks), ['ABORT_ERR', 'ABORT_ERR'])
  await release()
})

test.serial("whoever has seen needsDrain can wait for 'drain', also if it ends in the meantime", async (t) => {
  const pool = openPool(t, { threads: 1 })
  for (let number = 0; number < 100; number++) {
    const task = pool.run('spin', 0.1)
    const { needsDrain } = pool
    // The event loop does not turn in between, so nothing can be missed.
    while (pool.needsDrain);
    if (needsDrain) await once(pool, 'drain')
    await task
  }
  t.is(pool.stats().completed, 100)
})

test.serial("a producer that waits for 'drain' gets everything done", async (t) => {
  const pool = openPool(t, { threads: 2, maxQueue: 2 })
  const results = []
  for (let number = 0; number < 200; number++) {
    if (pool.needsDrain) await once(pool, 'drain')
    results.push(outcome(pool.run('heavyLoad', 50_000)))
  }
  t.deepEqual(await Promise.all(results), Array(200).fill('ok'))
  t.is(pool.stats().rejected, 0)
})

test.serial('a listener may submit tasks, however many results come meanwhile', async (t) => {
  const [one, other, third] = Array.from({ length: 3 }, () => openPool(t, { threads: 1 }))
  for (let round = 0; round < 5; round++) {
    const release = await hold(one)
    const tasks = [one.run('spin', 30), one.run('spin', 10, { priority: 'low' }), other.run('spin', 60)]
    let submitted
    one.once('drain', () => {
      // The others end while the listener has the event loop.
      while (one.stats().running + other.stats().running > 0);
      submitted = one.run('heavyLoad', 4)
    })
    await release()
    // Short tasks change how the event loop waits for results.
    for (let number = 0; number < 5; number++) await third.run('heavyLoad', 1)
    await setTimeout(1)
    // The event and the first result come together.
    while (one.stats().queued > 0);
    spinSync(2)
    for (const task of tasks) t.is(typeof (await task), 'number')
    t.is(await submitted, 4)
  }
})

test.serial("no 'drain' without needsDrain: refused calls do not bring it", async (t) => {
  const pool = openPool(t, { threads: 2, maxQueue: 1 })
  const release = await hold(pool)
  let drains = 0
  pool.on('drain', () => drains++)
  const waits = pool.run('spin', 1)
  for (let number = 0; number < 5; number++) {
    t.is(await outcome(pool.run('spin', 1)), 'ERR_POOL_OVERLOADED')
    t.false(pool.needsDrain)
  }
  await release()
  // Its completion takes the same way as the events and comes after them.
  await waits
  t.is(drains, 0)
})

test.serial('a removed listener is not called', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const release = await hold(pool)
  let calls = 0
  const listener = () => calls++
  pool.on('drain', listener)
  pool.off('drain', listener)
  const drained = once(pool, 'drain')
  const tasks = [pool.run('spin', 1), pool.run('spin', 1)]
  await release()
  await Promise.all([drained, ...tasks])
  t.is(calls, 0)
})

test.serial("removeAllListeners() takes away the caller's listeners, and not the event", async (t) => {
  const pool = openPool(t, { threads: 1 })
  const before = () => t.fail('it was removed')
  for (const events of [[], ['drain'], ['newListener'], ['removeListener']]) {
    pool.on('drain', before)
    t.is(pool.removeAllListeners('drain'), pool)
    pool.removeAllListeners(...events)
    const release = await hold(pool)
    const drained = once(pool, 'drain')
    const tasks = [pool.run('spin', 1), pool.run('spin', 1)]
    await release()
    await Promise.all([drained, ...tasks])
    t.is(pool.listenerCount('drain'), 0)
  }
})

test.serial('a listener that throws throws to the process, and costs no task', async (t) => {
  const { code, signal, stdout, stderr } = await runFixture('throwing-drain-listener')
  t.is(signal, null)
  t.is(code, 0, stderr)
  t.deepEqual(JSON.parse(stdout), { uncaught: ['from the listener'], outcomes: Array(20).fill('ok') })
})

test.serial('waiting for it does not keep the process alive', async (t) => {
  const { code, signal, stdout } = await runFixture('idle-drain-listener')
  t.deepEqual([code, signal, stdout], [0, null, 'end\n'])
})
