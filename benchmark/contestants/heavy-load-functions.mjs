// heavy-load's functions of the user's own: the same module that the contestants with JavaScript workers have, on worker threads.
import { loadFunctions, Pool } from '../../index.js'
import { tasksFile } from '../lib/workers.mjs'

export async function open({ threads }) {
  // The peers' workers do not stand back behind other programs either.
  const pool = new Pool({ threads, maxQueue: Infinity, niceness: 0 })
  const functions = await loadFunctions(tasksFile, { pool })
  return {
    empty: (options) => functions.empty([], options),
    count: (n, options) => functions.count([n], options),
    spin: (ms, options) => functions.spin([ms], options),
    close: () => pool.close(),
  }
}
