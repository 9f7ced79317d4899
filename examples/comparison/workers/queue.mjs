// The queue's worker, a process of its own, here or on any machine that reaches Redis:
// REDIS_URL=redis://... node workers/queue.mjs
//
// Its processor is sandboxed, in child processes, as BullMQ's documentation advises for work that keeps a CPU busy: in
// here it would hold up the renewal of its job's lock, and the job, taken for stalled, would be done again. Only so do
// jobs run in parallel, too: in one process `concurrency` is that of its event loop.
import { availableParallelism } from 'node:os'
import { Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { connection, QUEUE, redisUrl, retryStrategy, stopKey } from '../lib/queue.mjs'

/** How long running jobs may take to see that they are to stop. */
const GRACE_MS = 5000

const redis = new Redis(redisUrl(), { retryStrategy })
const worker = new Worker(QUEUE, new URL('./queue-job.mjs', import.meta.url), {
  connection: connection(),
  concurrency: availableParallelism(),
})

// A job reports after each of its blocks: the time to look whether it is still wanted.
worker.on('progress', async (job) => {
  try {
    if (await redis.exists(stopKey(job.id))) worker.cancelJob(job.id)
  } catch {
    // Without Redis nothing can be asked; see below.
  }
})

// What goes wrong without Redis goes wrong again and again: told once.
let told
worker.on('error', ({ message }) => {
  if (message !== told) console.error(`Queue worker: ${message}`)
  told = message
})
redis.on('error', () => {})

let isReady = false
process.once('SIGTERM', close)
process.once('SIGINT', close)
// The server that has started it wants it to end, or has ended.
process.once('disconnect', close)
// While the modules were being loaded.
if (process.connected === false) await close()
// Without Redis nobody hears of the jobs that run, nor can they be stopped: whoever started this starts it anew.
worker.on('ioredis:close', () => {
  if (isReady) process.exit(1)
})

// As long as that takes: Redis may be on its way back.
await worker.waitUntilReady()
isReady = true
process.send?.('ready')

async function close() {
  if (!isReady) process.exit()
  setTimeout(() => process.exit(1), GRACE_MS)
  worker.cancelAllJobs()
  await worker.close()
  redis.disconnect()
  process.exit()
}
