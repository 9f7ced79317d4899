// A new Worker for every task, at most as many at once as threads.
import { Worker } from 'node:worker_threads'
import { atMost } from '../lib/at-most.mjs'
import { workerFile } from '../lib/workers.mjs'

export function open({ threads }) {
  const start = atMost(threads, (task, input) => {
    const worker = new Worker(workerFile('worker-each.cjs'), { workerData: { task, input } })
    return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  })
  return {
    empty: () => start('empty', 0),
    count: (n) => start('count', n),
    spin: (ms) => start('spin', ms),
    close: async () => undefined,
  }
}
