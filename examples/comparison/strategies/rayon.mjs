// heavy-load, third form: on the threads of its own pool.
import { heavyLoad } from 'heavy-load'

export const strategy = {
  name: 'rayon',
  job: 'count',
  title: 'heavyLoad',
  summary:
    'heavy-load on a pool of Rust threads: each request on all cores, short ones before long ones, and one binary to install.',
  can: { parallel: true, progress: true, cancel: true, zeroCopy: false, otherMachines: false },
  async open() {
    return {
      run: heavyLoad,
      // The pool is the process's: whoever ends that closes it.
      async close() {},
    }
  },
}
