// Counts in memory that the server sees, until all is counted or the server has set the stop.
import { workerData } from 'node:worker_threads'
import { count } from '../lib/count.cjs'

const { counted, stop, iterations } = workerData

count(iterations, (soFar) => {
  Atomics.store(counted, 0, BigInt(soFar))
  return Atomics.load(stop, 0) === 0n
})
