// heavy-load, first form: on the calling thread, for scripts, or where nobody waits.
import { heavyLoadSync } from 'heavy-load'

export const strategy = {
  name: 'sync',
  job: 'count',
  title: 'heavyLoadSync',
  summary: 'heavy-load on the calling thread: native speed, but every other request waits until it is done.',
  can: { parallel: false, progress: false, cancel: false, zeroCopy: false, otherMachines: false },
  async open() {
    return {
      async run(iterations) {
        return heavyLoadSync(iterations)
      },
      async close() {},
    }
  },
}
