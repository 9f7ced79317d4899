// A thread and the server look at the same memory: the count stands there, and so does the word that stops it.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

const script = new URL('../workers/shared-array-buffer.mjs', import.meta.url)
/** How often the server looks at the count. */
const EVERY_MS = 50

export const strategy = {
  name: 'shared-array-buffer',
  job: 'count',
  title: 'Worker with a SharedArrayBuffer',
  summary:
    'A new Worker for every request over a SharedArrayBuffer: progress, stop and answer are read and written with Atomics, without a message; each request still pays for the start of a JavaScript engine.',
  can: { parallel: false, progress: true, cancel: true, zeroCopy: true, otherMachines: false },
  async open() {
    return { run, async close() {} }
  },
}

async function run(iterations, { signal, onProgress }) {
  const shared = new SharedArrayBuffer(2 * BigInt64Array.BYTES_PER_ELEMENT)
  const [counted, stop] = [new BigInt64Array(shared, 0, 1), new BigInt64Array(shared, 8, 1)]
  const setStop = () => Atomics.store(stop, 0, 1n)
  signal.addEventListener('abort', setStop)
  const timer = setInterval(() => onProgress(Number(Atomics.load(counted, 0)) / Math.max(1, iterations)), EVERY_MS)
  try {
    const worker = new Worker(script, { workerData: { counted, stop, iterations } })
    // Rejects if the worker throws.
    const [code] = await once(worker, 'exit')
    signal.throwIfAborted()
    if (code !== 0) throw new Error(`The worker ended with exit code ${code}`)
    return Number(Atomics.load(counted, 0))
  } finally {
    clearInterval(timer)
    signal.removeEventListener('abort', setStop)
  }
}
