// No pool: the work is done where it is asked for, on the event loop's own thread.
import tasks from '../workers/tasks.cjs'

export function open() {
  return {
    empty: async () => tasks.empty(),
    count: async (n) => tasks.count(n),
    spin: async (ms) => tasks.spin(ms),
    close: async () => undefined,
  }
}
