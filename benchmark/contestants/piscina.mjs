// piscina with as many workers as threads, its fast queue, and no histograms.
import { FixedQueue, Piscina } from 'piscina'
import { FLOOD, tasksFile } from '../lib/workers.mjs'

const EMPTY = { name: 'empty' }

export function open({ threads, flood = false, niceIncrement = 0 }) {
  const pool = new Piscina({
    filename: tasksFile,
    minThreads: threads,
    maxThreads: threads,
    taskQueue: new FixedQueue(),
    recordTiming: false,
    niceIncrement,
    // A worker that may hold many tasks needs no round trip between two of them: by far the fastest for floods of short ones.
    concurrentTasksPerWorker: flood ? FLOOD : 1,
  })
  return {
    empty: ({ signal } = {}) => pool.run(0, signal === undefined ? EMPTY : { name: 'empty', signal }),
    count: (n, { signal } = {}) => pool.run(n, { name: 'count', signal }),
    spin: (ms, { signal } = {}) => pool.run(ms, { name: 'spin', signal }),
    handOvers: {
      copy: (bytes) => pool.run(bytes, { name: 'checksum' }),
      transfer: (bytes) => pool.run(bytes, { name: 'checksum', transferList: [bytes.buffer] }),
      shared: (bytes) => pool.run(bytes, { name: 'checksum' }),
    },
    close: () => pool.destroy(),
  }
}
