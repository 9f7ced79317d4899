// heavy-load's pool form: on the default pool, as most users call it, or on a pool of its own.
import { defaultPool, freeze, hash, heavyLoad, Pool, spin } from '../../index.js'

/**
 * The default pool takes its number of threads from HEAVY_LOAD_THREADS, which the runner sets, and lasts as long as the
 * process. `own` asks for another pool, with any number of threads and an endless queue.
 */
export function open({ threads, own = false }) {
  const pool = own ? new Pool({ threads, maxQueue: Infinity }) : defaultPool
  return {
    empty: own ? (options) => pool.run(heavyLoad, 0, options) : (options) => heavyLoad(0, options),
    count: (n, options) => pool.run(heavyLoad, n, options),
    spin: (ms, options) => pool.run(spin, ms, options),
    map: (inputs) => pool.map(heavyLoad, inputs),
    handOvers: {
      copy: checksum,
      transfer: (bytes) => checksum(bytes, { transfer: true }),
      shared: checksum,
      // Frozen once, and then read by any number of tasks: both are in the call that is timed.
      frozen: (bytes) => checksum(freeze(bytes)),
    },
    close: own ? () => pool.close() : async () => undefined,
  }
}

async function checksum(bytes, options) {
  return Number.parseInt(await hash(bytes, { algorithm: 'crc32', encoding: 'hex', ...options }), 16)
}
