// Pools for one test each, tasks that keep them busy, and outcomes as plain values.
import { heavyLoad, Pool } from 'heavy-load'
import { until } from './turns.mjs'

/** More steps than any machine counts within a test. */
export const ENDLESS = 1e13

/** Whatever becomes of the test, nothing of the pool is left after it. */
export function openPool(t, options) {
  // Beside other test files, threads that stand back would hardly run.
  const pool = new Pool({ niceness: 0, ...options })
  t.teardown(() => pool.close({ force: true }))
  return pool
}

/** What became of a task: 'ok', or the code of its error. */
export function outcome(promise) {
  return promise.then(
    () => 'ok',
    (error) => error.code,
  )
}

/** Keeps every thread of a pool busy, before all other tasks, until the returned function is called. */
export async function hold(pool) {
  const controller = new AbortController()
  const options = { pool, priority: 'high', maxThreads: 1, signal: controller.signal }
  const { running } = pool.stats()
  const tasks = []
  while (tasks.length < pool.threads) {
    tasks.push(outcome(heavyLoad(ENDLESS, options)))
    // One after the other, so that none of them has to queue.
    await until(() => pool.stats().running === running + tasks.length, 'a held thread')
  }
  return async () => {
    controller.abort()
    await Promise.all(tasks)
  }
}

/** An aborted task's promise rejects before its thread is free; this waits for the threads. */
export async function idle(pool) {
  await until(() => {
    const { queued, running } = pool.stats()
    return queued === 0 && running === 0
  }, 'an idle pool')
}
