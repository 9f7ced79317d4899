// Closing a pool: what becomes of its tasks, and of its threads.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import test from 'ava'
import { defaultPool, heavyLoad } from 'heavy-load'
import { runFixture } from '../helpers/child.mjs'
import { ENDLESS, hold, openPool, outcome } from '../helpers/pool.mjs'
import { threadsNamed } from '../helpers/threads.mjs'
import { until } from '../helpers/turns.mjs'

const onLinux = process.platform === 'linux' ? test.serial : test.skip

test.serial('waits for running and queued tasks', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const ended = []
  for (let number = 0; number < 10; number++) pool.run('spin', 2).then(() => ended.push(number))
  await pool.close()
  t.is(ended.length, 10)
})

test.serial('takes no tasks from then on', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const task = pool.run('spin', 5)
  const closed = pool.close()
  const refused = pool.run('spin', 1)
  await t.throwsAsync(refused, { name: 'HeavyLoadError', code: 'ERR_POOL_CLOSED' })
  await t.throwsAsync(heavyLoad(1, { pool, timeout: 100 }), { code: 'ERR_POOL_CLOSED' })
  t.is(typeof (await task), 'number', 'those it has go on')
  await closed
  await t.throwsAsync(pool.run('spin', 1), { code: 'ERR_POOL_CLOSED' })
})

test.serial('cancels running and queued tasks when forced', async (t) => {
  const pool = openPool(t, { threads: 2 })
  await hold(pool)
  const queued = Array.from({ length: 10 }, () => outcome(pool.run('spin', 1)))
  const running = outcome(pool.run('heavyLoad', ENDLESS, { priority: 'high' }))
  await pool.close({ force: true })
  t.deepEqual(await Promise.all([...queued, running]), Array(11).fill('ERR_POOL_CLOSED'))
})

test.serial('a forced close begins nothing that waits, in whatever order the tasks came', async (t) => {
  for (let round = 0; round < 20; round++) {
    const pool = openPool(t, { threads: 2 })
    // What came last runs: it is stopped after those that came before and wait.
    const release = await hold(pool)
    const before = Array.from({ length: 200 }, () => outcome(pool.run('spin', 0.01, { priority: 'low' })))
    const begun = [false, false]
    const running = [0, 1].map((number) => {
      const onProgress = () => {
        begun[number] = true
      }
      return outcome(heavyLoad(ENDLESS, { pool, priority: 'high', maxThreads: 1, onProgress }))
    })
    await release()
    await until(() => begun[0] && begun[1], 'those that came last')
    const ran = pool.stats().completed
    const closed = pool.close({ force: true })
    const codes = await Promise.all([...before, ...running])
    t.is(codes.filter((code) => code === 'ok').length, ran)
    await closed
  }
})

test.serial('cancels what is left once its timeout has passed', async (t) => {
  const pool = openPool(t, { threads: 1 })
  await hold(pool)
  const short = outcome(pool.run('spin', 1, { priority: 'high' }))
  const running = outcome(pool.run('heavyLoad', ENDLESS))
  const queued = outcome(pool.run('spin', 1, { priority: 'low' }))
  const closed = pool.close({ timeout: 500 })
  t.is(await short, 'ok')
  await closed
  t.deepEqual(await Promise.all([running, queued]), ['ERR_POOL_CLOSED', 'ERR_POOL_CLOSED'])
})

test.serial('closes before its timeout when there is nothing left', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const task = outcome(pool.run('spin', 5))
  // With a timer of a month left behind, this process would not end.
  await pool.close({ timeout: 2 ** 31 - 1 })
  t.is(await task, 'ok')
})

test.serial('can be closed any number of times', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const task = outcome(pool.run('spin', 5))
  const closings = [pool.close(), pool.close(), pool.close({ timeout: 60_000 })]
  t.deepEqual(await Promise.all(closings), [undefined, undefined, undefined])
  t.is(await task, 'ok')
  t.is(await pool.close(), undefined)
  t.is(await pool.close({ force: true }), undefined)
})

test.serial('a close that is under way can be forced', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const task = outcome(pool.run('heavyLoad', ENDLESS))
  const gently = pool.close()
  await pool.close({ force: true })
  await gently
  t.is(await task, 'ERR_POOL_CLOSED')
})

test.serial('refuses bad options, and stays open', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
  for (const options of [null, 5, { force: 1 }, { timeout: '5' }, { timeout: null }]) {
    await t.throwsAsync(pool.close(options), type)
  }
  for (const timeout of [0, -1, Number.NaN]) {
    await t.throwsAsync(pool.close({ timeout }), { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' })
  }
  t.is(await pool.run('heavyLoad', 10), 10)
  await pool.close()
})

test.serial('is disposed of by Symbol.asyncDispose', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const task = outcome(pool.run('spin', 5))
  t.is(await pool[Symbol.asyncDispose](), undefined)
  t.is(await task, 'ok')
  t.is(await outcome(pool.run('spin', 1)), 'ERR_POOL_CLOSED')
})

test.serial('can be closed without ever having been used', async (t) => {
  const pool = openPool(t, { threads: 2 })
  t.is(await pool.close(), undefined)
  t.is(await outcome(pool.run('spin', 1)), 'ERR_POOL_CLOSED')
})

test.serial('keeps its counts', async (t) => {
  const pool = openPool(t, { threads: 2 })
  await Promise.all([pool.run('heavyLoad', 10), pool.run('heavyLoad', 10)])
  const task = outcome(pool.run('heavyLoad', ENDLESS))
  await pool.close({ force: true })
  await task
  t.like(pool.stats(), { threads: 2, queued: 0, running: 0, completed: 2, cancelled: 1 })
  t.is(pool.threads, 2)
  t.false(pool.needsDrain)
})

onLinux('ends its threads', async (t) => {
  const pool = openPool(t, { threads: 2, name: 'ends' })
  await until(() => threadsNamed('ends-').length === 2)
  await pool.run('spin', 1)
  await pool.close()
  await until(() => threadsNamed('ends-').length === 0, 'the end of the threads')
  pool.stats()
  await outcome(pool.run('spin', 1))
  t.is(threadsNamed('ends-').length, 0, 'and starts none again')
})

onLinux('ends its threads whatever the garbage collector does', async (t) => {
  const { code, stdout, stderr } = await runFixture('close-old-pools', { flags: ['--expose-gc'] })
  t.is(code, 0, stderr)
  t.is(stdout.trim(), 'threads left: 0')
})

test.serial('a worker thread that closes the default pool closes it for itself only', async (t) => {
  await heavyLoad(1000)
  const closer = new Worker(new URL('../fixtures/close-default-pool-worker.mjs', import.meta.url))
  const exit = once(closer, 'exit')
  const [codes] = await once(closer, 'message')
  t.deepEqual(codes, ['ok', 'ERR_POOL_CLOSED'])
  t.is(await heavyLoad(1000), 1000)
  t.deepEqual(await exit, [0])
  t.is(await defaultPool.run('heavyLoad', 1000), 1000)
  // It is open in the next worker, too.
  const next = new Worker(new URL('../fixtures/close-default-pool-worker.mjs', import.meta.url))
  t.deepEqual((await once(next, 'message'))[0], ['ok', 'ERR_POOL_CLOSED'])
})
