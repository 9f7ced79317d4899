// The package piscina: threads that stay. A request is a list of items, and for each that is done a message comes.
import { fileURLToPath } from 'node:url'
import { MessageChannel } from 'node:worker_threads'
import { Piscina } from 'piscina'

/** Small pictures, say: a request has thousands of them. */
const ITEMS = 2000

export const strategy = {
  name: 'worker-pool',
  job: 'count',
  title: 'Worker pool (piscina)',
  summary:
    'Threads that stay, and a message for each of the 2000 items of a request: no start, a JavaScript engine for each thread, and the loop has thousands of messages to read; cancelling costs a thread, which is replaced.',
  can: { parallel: false, progress: true, cancel: true, zeroCopy: false, otherMachines: false },
  async open() {
    const pool = new Piscina({ filename: fileURLToPath(new URL('../workers/worker-pool.mjs', import.meta.url)) })
    return {
      run: (iterations, options) => run(pool, iterations, options),
      close: () => pool.destroy(),
    }
  },
}

async function run(pool, iterations, { signal, onProgress }) {
  const { port1: progress, port2: port } = new MessageChannel()
  let done = 0
  progress.on('message', () => {
    done++
    onProgress(done / ITEMS)
  })
  try {
    return await pool.run({ iterations, items: ITEMS, port }, { signal, transferList: [port] })
  } finally {
    progress.close()
  }
}
