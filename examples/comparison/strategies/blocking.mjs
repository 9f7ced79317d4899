// What one writes first: the loop, where the request is handled. Nobody else is answered until it is done.
import { count } from '../lib/count.cjs'

export const strategy = {
  name: 'blocking',
  job: 'count',
  title: 'Blocking loop',
  summary: 'The loop runs on the event loop: no cost at all, and every other request waits until it is done.',
  can: { parallel: false, progress: false, cancel: false, zeroCopy: false, otherMachines: false },
  async open() {
    return {
      async run(iterations) {
        return count(iterations)
      },
      async close() {},
    }
  },
}
