// Counts once, what its workerData says, and ends.
import { parentPort, workerData } from 'node:worker_threads'
import { count } from '../lib/count.cjs'

const { iterations } = workerData
const answer = count(iterations, (counted) => parentPort.postMessage({ fraction: counted / iterations }))
parentPort.postMessage({ answer })
