// stats(): what became of a pool's tasks, exactly, and how long they waited and ran.
import '../helpers/test-addon.mjs'
import test from 'ava'
import { heavyLoad, heavyLoadAsync, heavyLoadSync, spin } from 'heavy-load'
import { runFixture } from '../helpers/child.mjs'
import { ENDLESS, hold, idle, openPool, outcome } from '../helpers/pool.mjs'
import { until } from '../helpers/turns.mjs'

const ZERO = { count: 0, mean: 0, min: 0, max: 0, p50: 0, p90: 0, p99: 0, p999: 0 }

test.serial('all zero at first', (t) => {
  const pool = openPool(t, { threads: 3 })
  const { uptime, ...counts } = pool.stats()
  t.true(uptime > 0)
  t.deepEqual(counts, {
    threads: 3,
    queued: 0,
    running: 0,
    completed: 0,
    failed: 0,
    cancelled: 0,
    timedOut: 0,
    rejected: 0,
    memory: 0,
    utilization: 0,
    wait: ZERO,
    run: ZERO,
  })
})

test.serial('counts every end of a task as what it was', async (t) => {
  // Not nice: on a busy machine the task that times out must have begun before.
  const pool = openPool(t, { threads: 2, maxQueue: 8, niceness: 0 })
  const controller = new AbortController()
  const { signal } = controller
  const completed = ['ok', 'ok', 'ok', 'ok', 'ok']
  for (const expected of completed) t.is(await outcome(pool.run('spin', 1)), expected)
  for (const how of ['run', 'merge', 'step', 'call']) {
    t.is(await outcome(pool.run('misbehave', how)), 'ERR_KERNEL_PANIC')
  }
  t.is(await outcome(heavyLoad(ENDLESS, { pool, timeout: 2000 })), 'ERR_TASK_TIMEOUT', 'while it ran')
  await idle(pool)
  const aborted = outcome(heavyLoad(ENDLESS, { pool, signal }))
  await until(() => pool.stats().running === 1)
  controller.abort()
  t.is(await aborted, 'ABORT_ERR', 'while it ran')
  await idle(pool)

  // They do not say how far they are: nobody can know that others will be late.
  const holds = [1, 2].map(() => outcome(pool.run('hold', 0, { ms: 500, atOnce: true, priority: 'high' })))
  t.is(await outcome(heavyLoad(7, { pool, timeout: 50 })), 'ERR_TASK_TIMEOUT', 'while it was queued')
  t.deepEqual(await Promise.all(holds), ['ok', 'ok'])
  const release = await hold(pool)
  const queued = new AbortController()
  const waiting = Array.from({ length: 8 }, () => outcome(spin(1, { pool, signal: queued.signal })))
  t.is(await outcome(pool.run('spin', 1)), 'ERR_POOL_OVERLOADED')
  t.is(await outcome(pool.run('spin', 1)), 'ERR_POOL_OVERLOADED')
  t.is(await outcome(pool.run('spin', 'bad')), 'ERR_INVALID_ARG_TYPE', 'counts nowhere')
  t.like(pool.stats(), { queued: 8, running: 2 })
  queued.abort()
  t.deepEqual(await Promise.all(waiting), Array(8).fill('ABORT_ERR'), 'while they were queued')
  t.like(pool.stats(), { queued: 0, running: 2 })
  await release()
  await idle(pool)

  const stats = pool.stats()
  t.like(stats, {
    queued: 0,
    running: 0,
    completed: 5 + 2,
    failed: 4,
    cancelled: 1 + 8 + 2,
    timedOut: 2,
    rejected: 2,
  })
  // Those that have begun: neither the one nor the eight that went while they were queued.
  const begun = 5 + 2 + 4 + 1 + 1 + 2
  t.is(stats.wait.count, begun)
  t.is(stats.run.count, begun)
})

test.serial('durations are in order and in milliseconds', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const began = performance.now()
  await Promise.all(Array.from({ length: 100 }, (_, number) => pool.run('spin', number / 10)))
  const elapsed = performance.now() - began
  const { wait, run } = pool.stats()
  for (const { count, mean, min, max, p50, p90, p99, p999 } of [wait, run]) {
    t.is(count, 100)
    const ordered = [0, min, p50, p90, p99, p999, max]
    t.deepEqual(
      ordered,
      ordered.toSorted((one, other) => one - other),
    )
    t.true(min <= mean && mean <= max)
    // Three digits are kept.
    t.true(max <= elapsed * 1.001, `${max} of ${elapsed}`)
  }
  t.true(run.max >= 9.9, 'the longest task used 9.9 ms')
  t.true(run.p50 >= 4.8, 'half of the tasks used 5 ms or more')
})

test.serial('utilization is the share of thread time that tasks used', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const release = await hold(pool)
  // On a busy machine, threads that have work may have few cores.
  await until(() => pool.stats().utilization > 0.2, 'busy threads')
  t.true(pool.stats().utilization <= 1)
  await release()
  await idle(pool)
  await until(() => pool.stats().utilization < 0.1, 'idle threads')
  t.true(pool.stats().utilization >= 0)
})

test.serial('counts what the promise says, also when its fate changes at the last moment', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const controller = new AbortController()
  // Both have ended before the event loop learns of either; then the first one's callback aborts the second.
  const tasks = [
    heavyLoad(10, { pool, onProgress: () => controller.abort() }),
    heavyLoad(10, { pool, signal: controller.signal }),
  ].map(outcome)
  for (let { queued, running } = pool.stats(); queued + running > 0; ) ({ queued, running } = pool.stats())
  t.deepEqual(await Promise.all(tasks), ['ok', 'ABORT_ERR'])
  t.like(pool.stats(), { completed: 1, cancelled: 1 })
  const onProgress = () => {
    throw new Error('at the end')
  }
  await t.throwsAsync(heavyLoad(10, { pool, onProgress }), { message: 'at the end' })
  t.like(pool.stats(), { completed: 1, cancelled: 2 })
})

test.serial('what map tries again was not rejected, also if it had been let in before', async (t) => {
  const pool = openPool(t, { threads: 1 })
  // More than can be done in the time, as is seen once one of them runs.
  const results = pool.map('spin', Array(120).fill(8), { timeout: 300, concurrency: 120, ordered: false })
  let done = 0
  const loop = async () => {
    for await (const _ of results) done++
  }
  const code = await outcome(loop())
  await idle(pool)
  const { completed, rejected } = pool.stats()
  t.true(completed >= done)
  t.is(rejected, code === 'ERR_POOL_OVERLOADED' ? 1 : 0, code)
})

test.serial('the other forms are no tasks of a pool', async (t) => {
  const pool = openPool(t, { threads: 1 })
  heavyLoadSync(10)
  await heavyLoadAsync(10)
  t.like(pool.stats(), { completed: 0, failed: 0 })
})

test.serial('a kernel that panics over its arguments has failed, too', async (t) => {
  const pool = openPool(t, { threads: 1 })
  for (const how of ['prepare', 'call']) t.is(await outcome(pool.run('misbehave', how)), 'ERR_KERNEL_PANIC')
  t.like(pool.stats(), { completed: 0, failed: 2, cancelled: 0 })
})

for (const how of ['terminate', 'exit', 'main']) {
  test.serial(`an environment that ends (${how}) falsifies no counts`, async (t) => {
    const { code, stdout, stderr } = await runFixture('counts-at-end', { args: [how] })
    t.is(code, 0, stderr)
    // One was aborted by its caller, and three whose callers hear nothing any more.
    t.deepEqual(JSON.parse(stdout), { completed: 100, failed: 0, cancelled: 1 + 3, timedOut: 0 })
  })
}
