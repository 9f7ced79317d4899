// What is stopped behind a gate: the promise rejects at once, the function is told, and the place is free when it has settled.
import test from 'ava'
import { heavyLoad, Pool } from 'heavy-load'
import { codeOf, errorOf } from '../helpers/errors.mjs'
import { hold, idle, openPool } from '../helpers/pool.mjs'
import { until } from '../helpers/turns.mjs'

/** A function that goes on whatever its signal says, until the test ends it. */
function stubborn() {
  const work = { begun: false, signal: undefined }
  work.fn = ({ signal }) => {
    work.begun = true
    work.signal = signal
    return new Promise((resolve, reject) => {
      work.resolve = resolve
      work.reject = reject
    })
  }
  return work
}

test('an abort rejects at once, and the place is free when the function has settled', async (t) => {
  for (const settle of ['resolve', 'reject']) {
    const pool = openPool(t, { threads: 1 })
    const controller = new AbortController()
    const work = stubborn()
    const gated = pool.gate(work.fn, { signal: controller.signal })
    await until(() => work.begun)
    t.false(work.signal.aborted)
    const reason = new Error('why')
    controller.abort(reason)
    t.true(work.signal.aborted)
    t.is(work.signal.reason, reason)
    const error = await errorOf(gated)
    t.deepEqual([error.code, error.cause], ['ABORT_ERR', reason])
    const waiting = heavyLoad(10, { pool })
    t.is(await codeOf(heavyLoad(10, { pool, timeout: 20 })), 'ERR_TASK_TIMEOUT')
    t.is(pool.stats().running, 1)
    work[settle](new Error('too late'))
    t.is(await waiting, 10)
    await idle(pool)
    const { completed, failed, cancelled } = pool.stats()
    t.deepEqual([completed, failed, cancelled], [1, 0, 1])
  }
})

test('one that waits is never called', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const release = await hold(pool)
  const controller = new AbortController()
  const never = () => t.fail()
  const gated = pool.gate(never, { signal: controller.signal })
  const late = pool.gate(never, { timeout: 10 })
  controller.abort()
  t.is(await codeOf(gated), 'ABORT_ERR')
  t.is(await codeOf(pool.gate(never, { signal: controller.signal })), 'ABORT_ERR')
  // It may be given up before that, as soon as it is seen that it would be late.
  t.true(['ERR_TASK_TIMEOUT', 'ERR_POOL_OVERLOADED'].includes(await codeOf(late)))
  await release()
  t.is(await pool.gate(async () => 'goes on'), 'goes on')
})

test('one that is aborted before its begin was heard of is never called', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const controller = new AbortController()
  const gated = pool.gate(() => t.fail(), { signal: controller.signal })
  // It has begun, as far as the pool knows.
  controller.abort()
  t.is(await codeOf(gated), 'ABORT_ERR')
  await idle(pool)
  t.is(await pool.gate(async () => 'goes on'), 'goes on')
})

test('a timeout says why', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const work = stubborn()
  const error = await errorOf(pool.gate(work.fn, { timeout: 20 }))
  t.is(error.code, 'ERR_TASK_TIMEOUT')
  t.regex(error.message, /^gate was not done within its timeout of 20 ms: .*ran for/)
  t.is(work.signal.reason.code, 'ERR_TASK_TIMEOUT')
  work.resolve()
  await idle(pool)
  t.is(pool.stats().timedOut, 1)
})

test('several signals, and a signal that is asked for after the stop', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const [first, second] = [new AbortController(), new AbortController()]
  let task
  let end
  const gated = pool.gate(
    (given) => {
      task = given
      return new Promise((resolve) => {
        end = resolve
      })
    },
    { signal: [first.signal, second.signal] },
  )
  await until(() => task !== undefined)
  second.abort('the second')
  t.is((await errorOf(gated)).cause, 'the second')
  t.true(task.signal.aborted)
  t.is(task.signal.reason, 'the second')
  t.is(task.signal, task.signal)
  end()
})

test('a signal does not abort once the function has settled', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const controller = new AbortController()
  let signal
  await pool.gate(
    (task) => {
      signal = task.signal
    },
    { signal: controller.signal },
  )
  controller.abort()
  await pool.close({ force: true })
  t.false(signal.aborted)
})

test('what listeners of the signal throw is their own affair', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const controller = new AbortController()
  const uncaught = []
  const listener = (error) => uncaught.push(error)
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', listener)
  t.teardown(() => {
    process.off('uncaughtException', listener)
    for (const other of others) process.on('uncaughtException', other)
  })
  const error = new Error('of a listener')
  let begun = false
  const gated = pool.gate(
    ({ signal }) =>
      new Promise((resolve) => {
        begun = true
        signal.addEventListener('abort', () => {
          resolve()
          throw error
        })
      }),
    { signal: controller.signal },
  )
  await until(() => begun)
  controller.abort()
  t.is(await codeOf(gated), 'ABORT_ERR')
  await until(() => uncaught.length === 1)
  t.is(uncaught[0], error)
  await idle(pool)
})

test('close waits for those that run and wait; force rejects them, and waits for the functions', async (t) => {
  const pool = new Pool({ threads: 1 })
  const work = stubborn()
  const gated = pool.gate(work.fn)
  const waiting = pool.gate(async () => 'waited')
  await until(() => work.begun)
  const closed = pool.close()
  t.is(await codeOf(pool.gate(() => t.fail())), 'ERR_POOL_CLOSED')
  work.resolve('ran')
  t.deepEqual(await Promise.all([gated, waiting]), ['ran', 'waited'])
  await closed

  const forced = new Pool({ threads: 1 })
  const other = stubborn()
  const cut = forced.gate(other.fn)
  const never = forced.gate(() => t.fail())
  await until(() => other.begun)
  let isClosed = false
  const end = forced.close({ force: true }).then(() => {
    isClosed = true
  })
  t.is(other.signal.reason.code, 'ERR_POOL_CLOSED')
  t.deepEqual(await Promise.all([codeOf(cut), codeOf(never)]), ['ERR_POOL_CLOSED', 'ERR_POOL_CLOSED'])
  await until(() => forced.stats().queued === 0)
  t.false(isClosed)
  other.resolve()
  await end
  const { running, cancelled } = forced.stats()
  t.deepEqual([running, cancelled], [0, 2])
})

test('a storm of aborts leaves nothing behind', async (t) => {
  const pool = openPool(t, { threads: 2 })
  let running = 0
  const work = () => {
    running++
    return new Promise((resolve) => setImmediate(resolve)).finally(() => running--)
  }
  for (let round = 0; round < 20; round++) {
    const controllers = Array.from({ length: 100 }, () => new AbortController())
    const gated = controllers.map(({ signal }) => pool.gate(work, { signal }).catch(({ code }) => code))
    for (const [n, controller] of controllers.entries()) {
      if (n % 10 === 0) await new Promise(setImmediate)
      if (n % 3 !== 0) controller.abort()
    }
    await Promise.all(gated)
  }
  await idle(pool)
  t.is(running, 0)
  const { completed, cancelled } = pool.stats()
  t.is(completed + cancelled, 2000)
  t.true(completed >= 20 * 34)
})
