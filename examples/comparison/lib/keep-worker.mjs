// A worker of a queue, in a process of its own: without one the queue would wait for ever.
import { fork } from 'node:child_process'
import { once } from 'node:events'

/** Starts `file`, a worker, and resolves when that says it is ready; another one when it dies. */
export async function keepWorker(file) {
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
      start().catch(() => closing || console.error(`${file} does not start`))
    })
  }
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  if (child.connected) child.disconnect()
  await exited
}
