// One job, in a process that BullMQ has forked and keeps for the next one.
import { setImmediate as turn } from 'node:timers/promises'
import { count } from '../lib/count.cjs'

// When its worker is gone there is nobody to count for. BullMQ tells the worker of what nobody has caught, and, when
// that fails, of that, and so on for ever: hence the second one.
process.once('disconnect', () => process.exit(1))
process.once('unhandledRejection', () => process.exit(1))

/** Steps between two reports: each costs several commands of Redis. */
const BLOCK = 2 ** 26

export default async function countJob(job, _token, signal) {
  const { iterations } = job.data
  let counted = 0
  while (counted < iterations) {
    counted += count(Math.min(BLOCK, iterations - counted))
    await job.updateProgress(counted / iterations)
    // Only now can it hear that it is to stop.
    await turn()
    if (signal.aborted) throw new Error('Cancelled')
  }
  return counted
}
