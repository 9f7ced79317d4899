// The kernels, in three forms each: countPrimes, countPrimesSync, countPrimesAsync.
import { join } from 'node:path'
import { loadKernels } from 'heavy-load'

export default loadKernels(join(import.meta.dirname, `kernels.${process.platform}-${process.arch}.node`))
