// A thread for every request, which gets its data as workerData and tells of its progress and its answer in messages.
import { Worker } from 'node:worker_threads'

const script = new URL('../workers/worker-thread.mjs', import.meta.url)

export const strategy = {
  name: 'worker-thread',
  job: 'count',
  title: 'Worker thread for each request',
  summary:
    'A new Worker for every request: each pays for the start and the memory of a JavaScript engine, and nothing limits their number.',
  can: { parallel: false, progress: true, cancel: true, zeroCopy: false, otherMachines: false },
  async open() {
    return { run, async close() {} }
  },
}

async function run(iterations, { signal, onProgress }) {
  const worker = new Worker(script, { workerData: { iterations } })
  const terminate = () => worker.terminate()
  signal.addEventListener('abort', terminate)
  try {
    return await new Promise((resolve, reject) => {
      worker.on('message', ({ fraction, answer }) => {
        if (answer === undefined) onProgress(fraction)
        else resolve(answer)
      })
      worker.once('error', reject)
      // After an answer or an error this changes nothing.
      worker.once('exit', (code) => reject(signal.reason ?? new Error(`The worker ended without an answer (${code})`)))
    })
  } finally {
    signal.removeEventListener('abort', terminate)
  }
}
