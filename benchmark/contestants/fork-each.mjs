// A new process for every task, at most as many at once as threads.
import { fork } from 'node:child_process'
import { atMost } from '../lib/at-most.mjs'
import { workerFile } from '../lib/workers.mjs'

export function open({ threads }) {
  const start = atMost(threads, (task, input) => {
    const child = fork(workerFile('fork-each.cjs'), [task, String(input)])
    return new Promise((resolve, reject) => child.once('message', resolve).once('error', reject))
  })
  return {
    empty: () => start('empty', 0),
    count: (n) => start('count', n),
    spin: (ms) => start('spin', ms),
    close: async () => undefined,
  }
}
