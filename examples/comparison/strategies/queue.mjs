// A job queue: the server only writes down what is to be done; workers elsewhere do it, and Redis stands between them.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { connect } from '../lib/queue-connection.mjs'

const file = fileURLToPath(new URL('../workers/queue.mjs', import.meta.url))

/** One for all who open it: /strategies/queue, and the routes for those who poll. */
let opened

export const strategy = {
  name: 'queue',
  title: 'Job queue (BullMQ, Redis)',
  summary:
    'Jobs outlive the server, workers may be on other machines; the price is Redis, processes, and milliseconds a job.',
  can: { parallel: false, progress: true, cancel: true, zeroCopy: false, otherMachines: true },
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
    const worker = await keepWorker()
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

/** A worker process; another one when it dies, or the queue would wait for ever. */
async function keepWorker() {
  let closing = false
  let child
  await start()
  return {
    process: () => child,
    async close() {
      closing = true
      await end(child)
    },
  }

  async function start() {
    child = fork(file)
    const failed = new AbortController()
    child.once('exit', () => failed.abort())
    await once(child, 'message', { signal: failed.signal })
    child.once('exit', () => {
      if (closing) return
      start().catch(() => closing || console.error('The worker of the queue does not start'))
    })
  }
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  if (child.connected) child.disconnect()
  await exited
}
