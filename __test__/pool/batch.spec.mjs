// Tasks that are submitted in a batch, because many are in flight, are like others to whoever looks.
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { heavyLoad } from 'heavy-load'
import { runFixture } from '../helpers/child.mjs'
import { hold, openPool, outcome } from '../helpers/pool.mjs'

/** So many in flight that what comes goes in batches. */
const MANY = 100
/** A few more, that wait for a batch and are not enough to fill it. */
const FEW = 20

/** `count` tasks submitted in one turn, each of which gives another number. */
function flood(pool, count, from = 0) {
  return Array.from({ length: count }, (_, number) => pool.run('heavyLoad', from + number))
}

test('each gets its own result', async (t) => {
  const pool = openPool(t, { threads: 2 })
  for (const count of [64, 65, 66, 96, 97, 98, 1000]) {
    t.deepEqual(
      await Promise.all(flood(pool, count, count)),
      Array.from({ length: count }, (_, n) => count + n),
    )
  }
  // Submitted by reactions to results, many in each turn.
  let done = 0
  const lane = async (start) => {
    for (let number = start; number < start + 50; number++) {
      if ((await pool.run('heavyLoad', number)) === number) done++
    }
  }
  await Promise.all(Array.from({ length: 300 }, (_, number) => lane(number)))
  t.is(done, 15_000)
})

test('statistics and needsDrain know of them at once', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const release = await hold(pool)
  const tasks = flood(pool, MANY)
  t.is(pool.stats().queued, MANY)
  tasks.push(...flood(pool, FEW))
  t.is(pool.stats().queued, MANY + FEW)
  await release()
  await Promise.all(tasks)

  // The threads have done all there was, and nobody has been told yet, since this turn goes on.
  const pair = openPool(t, { threads: 2 })
  const drained = new Promise((resolve) => pair.once('drain', resolve))
  const done = flood(pair, MANY)
  while (pair.needsDrain || pair.stats().running > 0);
  const more = Array.from({ length: FEW }, () => pair.run('spin', 5))
  t.true(pair.needsDrain)
  await Promise.all([drained, ...done, ...more])
})

test('tasks that say something about themselves do not pass them', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const release = await hold(pool)
  const order = []
  const note = (promise, name) => promise.then(() => order.push(name))
  const tasks = flood(pool, MANY).map((task) => note(task, 'before'))
  // All of one kind, of which the first come first.
  for (let number = 0; number < 3 * FEW; number++) {
    const kind = number % 7
    if (kind === 3) tasks.push(note(pool.run('spin', 0, { maxThreads: 1 }), number))
    else if (kind === 4) tasks.push(note(pool.run('spin', 0, { timeout: undefined }), number))
    else if (kind === 5) tasks.push(note(pool.run('spin', 0.5e-6), number))
    else tasks.push(note(pool.run('spin', 0), number))
  }
  await release()
  await Promise.all(tasks)
  t.deepEqual(
    order.slice(MANY),
    Array.from({ length: 3 * FEW }, (_, number) => number),
  )
})

test('a pool that is closed knows of them: it waits for them, or cancels and counts them', async (t) => {
  const graceful = openPool(t, { threads: 2 })
  const tasks = flood(graceful, MANY)
  await graceful.close()
  t.is((await Promise.all(tasks)).length, MANY)
  t.is(graceful.stats().completed, MANY)

  const forced = openPool(t, { threads: 1 })
  await hold(forced)
  const cancelled = flood(forced, MANY + FEW).map(outcome)
  await forced.close({ force: true })
  const outcomes = await Promise.all(cancelled)
  // They are stopped one by one: some are done in time, if the thread that was held is stopped before them.
  const completed = outcomes.filter((what) => what === 'ok').length
  t.is(outcomes.filter((what) => what === 'ERR_POOL_CLOSED').length, MANY + FEW - completed)
  t.like(forced.stats(), { completed, cancelled: MANY + FEW - completed + 1, queued: 0, running: 0 })
})

test('a full pool refuses as many as it has no place for, and the error has the stack of the caller', async (t) => {
  const pool = openPool(t, { threads: 1, maxQueue: MANY })
  const release = await hold(pool)
  const outcomes = flood(pool, MANY + FEW).map(outcome)
  // With options that say nothing of the task, too.
  for (const call of [() => pool.run('heavyLoad', 1), () => heavyLoad(1, { pool })]) {
    const error = await t.throwsAsync(call(), { code: 'ERR_POOL_OVERLOADED' })
    t.true(error.stack.includes(fileURLToPath(import.meta.url)), error.stack)
  }
  await release()
  t.deepEqual(await Promise.all(outcomes), [...Array(MANY).fill('ok'), ...Array(FEW).fill('ERR_POOL_OVERLOADED')])
  t.like(pool.stats(), { completed: MANY, rejected: FEW + 2, queued: 0 })
})

test('wrong input rejects with the stack of the caller, and costs nothing but itself', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const release = await hold(pool)
  const tasks = flood(pool, MANY)
  const wrong = [-1, 0.5, Number.NaN, Infinity, 2 ** 53, 5n, Symbol('five'), '5', true, undefined, null, () => 5]
  for (const input of wrong) {
    tasks.push(...flood(pool, FEW))
    const error = await t.throwsAsync(pool.run('heavyLoad', input))
    t.regex(error.code, /^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE)$/)
    t.true(error.stack.includes(fileURLToPath(import.meta.url)), error.stack)
  }
  // Numbers, of which a kernel takes none.
  await t.throwsAsync(pool.run('hash', 5), { code: 'ERR_INVALID_ARG_TYPE' })
  await release()
  await Promise.all(tasks)
  t.like(pool.stats(), { completed: tasks.length, failed: 0, queued: 0 })
  await pool.close()
})

test('getters of options that say nothing may close the pool', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const tasks = flood(pool, MANY)
  const options = {
    get timeout() {
      pool.close()
      return undefined
    },
  }
  await t.throwsAsync(pool.run('heavyLoad', 1, options), { code: 'ERR_POOL_CLOSED' })
  await Promise.all(tasks)
  t.like(pool.stats(), { completed: MANY, queued: 0 })
})

test('those of several pools keep apart', async (t) => {
  const pools = [openPool(t, { threads: 1 }), openPool(t, { threads: 2 })]
  const tasks = []
  for (let number = 0; number < 300; number++) tasks.push(pools[number % 2].run('heavyLoad', number))
  t.deepEqual(
    await Promise.all(tasks),
    tasks.map((_, number) => number),
  )
  t.deepEqual(
    pools.map((pool) => pool.stats().completed),
    [150, 150],
  )
})

test('where another thread of JavaScript has filled the pool, those that have no place are refused', async (t) => {
  const { code, signal, stdout, stderr } = await runFixture('batch-full-pool')
  t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
  t.deepEqual(JSON.parse(stdout), {
    refused: Array(50).fill('ERR_POOL_OVERLOADED'),
    retryAfter: true,
    rejected: 50,
    results: Array.from({ length: 150 }, (_, number) => number),
  })
})

test('a process, or a worker thread, may end before they have been submitted', async (t) => {
  for (const how of ['exit', 'uncaught exception', 'terminated worker']) {
    const { code, signal, stdout, stderr } = await runFixture('batch-end', { args: [how] })
    t.deepEqual({ code, signal }, { code: how === 'uncaught exception' ? 1 : 0, signal: null }, stderr)
    t.is(stdout, 'submitting\n')
  }
})
