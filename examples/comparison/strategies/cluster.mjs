// Many copies of the whole server, one a core. A request that blocks its copy leaves the others free, and no more than
// that.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { ask } from '../lib/ask.mjs'

const file = fileURLToPath(new URL('../workers/cluster.mjs', import.meta.url))

export const strategy = {
  name: 'cluster',
  job: 'count',
  title: 'Cluster (node:cluster)',
  summary:
    'The server itself, once a core: as many requests as processes block before everyone waits; a server’s memory each.',
  // A worker that counts does not notice that its client has gone: it counts to the end.
  can: { parallel: false, progress: false, cancel: false, zeroCopy: false, otherMachines: false },
  async open() {
    const primary = fork(file)
    let state
    await new Promise((resolve, reject) => {
      primary.on('message', (message) => {
        state = message
        if (state.workers.length === availableParallelism()) resolve()
      })
      primary.once('error', reject)
      primary.once('exit', () => reject(new Error('The cluster could not start: it says on stderr why')))
    })
    return {
      primary,
      /** { port, workers: [pid, ...], restarts } */
      state: () => state,
      async run(iterations, { signal } = {}) {
        const { answer } = await ask(state.port, `/heavy?iterations=${iterations}`, signal)
        return answer
      },
      close: () => end(primary),
    }
  },
}

/** The primary ends its workers, waits for them, and then ends itself. */
async function end(primary) {
  if (primary.exitCode !== null || primary.signalCode !== null) return
  const exited = once(primary, 'exit')
  if (primary.connected) primary.disconnect()
  await exited
}
