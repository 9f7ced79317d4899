// poolifier's fixed pool of worker threads.
import { setTimeout as sleep } from 'node:timers/promises'
import { FixedThreadPool } from 'poolifier'
import { workerFile } from '../lib/workers.mjs'

const LONGEST_CLOSE_MS = 500

export function open({ threads, flood = false, atRandom = false }) {
  const pool = new FixedThreadPool(threads, workerFile('poolifier.mjs'), {
    enableEvents: false,
    // Without a queue tasks go to the workers at once: the fastest for floods. With it idle workers take over waiting tasks; but if tasks
    // come now and then, that of 5.3.2 leaves workers idle beside tasks that wait.
    enableTasksQueue: !flood && !atRandom,
  })
  return {
    empty: ({ signal } = {}) => pool.execute(0, 'empty', signal),
    count: (n, { signal } = {}) => pool.execute(n, 'count', signal),
    spin: (ms, { signal } = {}) => pool.execute(ms, 'spin', signal),
    // After many tasks at once, destroy() of 5.3.2 may never settle.
    close: () => Promise.race([pool.destroy(), sleep(LONGEST_CLOSE_MS)]),
  }
}
