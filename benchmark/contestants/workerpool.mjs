// workerpool with as many worker threads as threads and a dedicated worker script.
import workerpool from 'workerpool'
import { workerFile } from '../lib/workers.mjs'

export function open({ threads }) {
  const pool = workerpool.pool(workerFile('workerpool.cjs'), {
    minWorkers: threads,
    maxWorkers: threads,
    workerType: 'thread',
    // A worker that counts cannot answer when it is asked to stop: there is nothing to wait for.
    workerTerminateTimeout: 1,
  })
  return {
    empty: (options) => exec(pool, 'empty', 0, options),
    count: (n, options) => exec(pool, 'count', n, options),
    spin: (ms, options) => exec(pool, 'spin', ms, options),
    handOvers: {
      copy: (bytes) => pool.exec('checksum', [bytes]),
      transfer: (bytes) => pool.exec('checksum', [bytes], { transfer: [bytes.buffer] }),
      shared: (bytes) => pool.exec('checksum', [bytes]),
    },
    close: () => pool.terminate(true),
  }
}

/** workerpool takes no signal, but its promises can be cancelled. */
function exec(pool, task, input, { signal } = {}) {
  const promise = pool.exec(task, [input])
  const cancel = () => {
    promise.cancel()
  }
  signal?.addEventListener('abort', cancel, { once: true })
  return promise
}
