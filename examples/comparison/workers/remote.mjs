// A worker of RemotePool's, here or on any machine that reaches Redis; there `npx heavy-load worker` does the same:
// REDIS_URL=redis://... node workers/remote.mjs
import { startWorker } from 'heavy-load/remote'
import { redisUrl } from '../lib/queue.mjs'

/** How long Redis may take to answer, in milliseconds. */
const PATIENCE_MS = 1000

process.once('SIGTERM', close)
process.once('SIGINT', close)
// The server that has started it wants it to end, or has ended.
process.once('disconnect', close)
let worker
try {
  worker = await startWorker({ connection: redisUrl(), connectTimeout: PATIENCE_MS })
  process.send?.('ready')
} catch (error) {
  console.error(`Remote worker: ${error.message}`)
  process.exit(1)
}

async function close() {
  // What runs is for nobody any more, or for another worker.
  await worker?.close({ force: true })
  process.exit()
}
