// worker-farm: child processes instead of threads.
import { promisify } from 'node:util'
import workerFarm from 'worker-farm'
import { FLOOD, workerFile } from '../lib/workers.mjs'

export function open({ threads, flood = false }) {
  const options = {
    maxConcurrentWorkers: threads,
    maxConcurrentCallsPerWorker: flood ? FLOOD : 1,
    autoStart: true,
  }
  const farm = workerFarm(options, workerFile('worker-farm.cjs'), ['empty', 'count', 'spin'])
  const [empty, count, spin] = [farm.empty, farm.count, farm.spin].map(promisify)
  return {
    empty: () => empty(0),
    count: (n) => count(n),
    spin: (ms) => spin(ms),
    close: () => new Promise((resolve) => workerFarm.end(farm, resolve)),
  }
}
