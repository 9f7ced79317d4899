// A job queue: the server only writes down what is to be done; workers elsewhere do it, and Redis stands between them.
import { fileURLToPath } from 'node:url'
import { keepWorker } from '../lib/keep-worker.mjs'
import { redisNeed } from '../lib/outside.mjs'
import { connect } from '../lib/queue-connection.mjs'

const file = fileURLToPath(new URL('../workers/queue.mjs', import.meta.url))

/** One for all who open it: /strategies/queue, and the routes for those who poll. */
let opened

export const strategy = {
  name: 'queue',
  job: 'count',
  title: 'Job queue (BullMQ, Redis)',
  summary:
    'Jobs outlive the server, workers may be on other machines; the price is Redis, processes, and milliseconds a job.',
  can: { parallel: false, progress: true, cancel: true, zeroCopy: false, otherMachines: true },
  need: redisNeed,
  async open() {
    opened ??= open()
    try {
      return await opened
    } catch (error) {
      opened = undefined
      throw error
    }
  },
}

async function open() {
  const queue = await connect()
  try {
    const worker = await keepWorker(file)
    let closed
    const close = async () => {
      opened = undefined
      await worker.close()
      await queue.close()
    }
    return {
      ...queue,
      worker: worker.process,
      // Each who has opened it may close it.
      close() {
        closed ??= close()
        return closed
      },
    }
  } catch (error) {
    await queue.close()
    throw error
  }
}
