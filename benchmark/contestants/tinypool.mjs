// tinypool with as many workers as threads.
import Tinypool from 'tinypool'
import { FLOOD, tasksFile } from '../lib/workers.mjs'

const EMPTY = { name: 'empty' }

export function open({ threads, flood = false }) {
  const pool = new Tinypool({
    filename: tasksFile,
    minThreads: threads,
    maxThreads: threads,
    // As with piscina: the fastest for floods of short tasks.
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
