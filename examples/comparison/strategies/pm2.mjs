// The same copies of a server, kept by PM2's daemon instead of by us: it outlives this process, and so we only ask it.
import { ask } from '../lib/ask.mjs'
import { pm2Need } from '../lib/outside.mjs'
import { unavailable } from '../lib/unavailable.mjs'

export const strategy = {
  name: 'pm2',
  job: 'count',
  title: 'PM2 (cluster mode)',
  summary: 'A daemon runs and scales copies of the server: node:cluster and its costs, with restarts and logs.',
  can: { parallel: false, progress: false, cancel: false, zeroCopy: false, otherMachines: false },
  need: pm2Need,
  async open() {
    return {
      async run(iterations, { signal } = {}) {
        const { port, remedy } = pm2Need()
        try {
          const { answer } = await ask(port, `/heavy?iterations=${iterations}`, signal)
          return answer
        } catch (error) {
          if (error.code !== 'ECONNREFUSED') throw error
          throw unavailable(remedy, { cause: error })
        }
      },
      // What PM2 runs is PM2's to end.
      async close() {},
    }
  },
}
