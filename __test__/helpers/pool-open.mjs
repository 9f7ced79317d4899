// A pool for one test: whatever becomes of the test, nothing of the pool is left after it.
import { Pool } from '../../index.js'

export function openPool(t, options) {
  // Beside other test files, threads that stand back would hardly run.
  const pool = new Pool({ niceness: 0, ...options })
  t.teardown(() => pool.close({ force: true }))
  return pool
}
