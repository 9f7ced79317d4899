// heavy-load on other machines: the same call, over BullMQ and Redis. What `queue` has to do by hand is done by RemotePool.
import { fileURLToPath } from 'node:url'
import { heavyLoad } from 'heavy-load'
import { RemotePool } from 'heavy-load/remote'
import { keepWorker } from '../lib/keep-worker.mjs'
import { redisNeed } from '../lib/outside.mjs'
import { redisUrl } from '../lib/queue.mjs'
import { unavailable } from '../lib/unavailable.mjs'

const file = fileURLToPath(new URL('../workers/remote.mjs', import.meta.url))
/** How long Redis may take to answer at first. */
const PATIENCE_MS = 1000

export const strategy = {
  name: 'remote',
  job: 'count',
  title: 'heavyLoad on other machines (RemotePool)',
  summary:
    'heavy-load over BullMQ and Redis: the call, the errors and cancelling stay the same, the work is on whatever machine runs a worker; the price is Redis, and a fraction of a millisecond a task.',
  can: { parallel: true, progress: true, cancel: true, zeroCopy: false, otherMachines: true },
  need: redisNeed,
  async open() {
    const pool = new RemotePool({ connection: redisUrl(), connectTimeout: PATIENCE_MS })
    try {
      // It does not start without a Redis.
      const worker = await keepWorker(file)
      return {
        run: (iterations, task) => heavyLoad(iterations, { ...task, pool }),
        worker: worker.process,
        async close() {
          await pool.close({ force: true })
          await worker.close()
        },
      }
    } catch (error) {
      await pool.close({ force: true })
      throw unavailable(redisNeed().remedy, { cause: error })
    }
  },
}
