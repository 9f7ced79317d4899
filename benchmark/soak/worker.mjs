// A worker of the soak. SIGTERM ends it as an upgrade does: it finishes what it has, and then ends because nothing is left in it.
import { Pool } from 'heavy-load'
import { startWorker } from 'heavy-load/remote'

const [connection, queue] = process.argv.slice(2)
/** How soon others take over what a killed worker had, in milliseconds. */
const LOCK_MS = 2000
const FINISH_MS = 5000

// Redis is killed: what that breaks is told on the caller's side.
const onError = () => {}
const pool = new Pool({ threads: 1, name: 'worker' })
const worker = await startWorker({ connection, queue, pool, lockDuration: LOCK_MS, onError })
process.once('SIGTERM', async () => {
  await worker.close({ timeout: FINISH_MS })
  await pool.close()
  process.disconnect?.()
})
// Without whoever started it, it has nothing to live for.
process.once('disconnect', () => setTimeout(() => process.exit(1), 2 * FINISH_MS).unref())
process.send('ready')
