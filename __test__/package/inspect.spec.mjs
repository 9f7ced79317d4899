// What `console.log` shows of pools and frozen buffers: what they are, and no internals.
import { inspect } from 'node:util'
import test from 'ava'
import { freeze, Pool } from 'heavy-load'
import { RemotePool } from 'heavy-load/remote'
import { runScript } from '../helpers/child.mjs'

test('a pool', async (t) => {
  const pool = new Pool({ threads: 1, name: 'mine' })
  t.is(inspect(pool), "Pool { name: 'mine', threads: 1, queued: 0, running: 0, closed: false }")
  await pool.close()
  t.regex(inspect(pool), /^Pool \{.*closed: true \}$/)
})

test('the default pool, which is not started by that', async (t) => {
  const { stdout } = await runScript(`
    import { readdirSync } from 'node:fs'
    import { defaultPool } from 'heavy-load'
    const threads = () => readdirSync('/proc/self/task').length
    const before = process.platform === 'linux' ? threads() : 0
    console.log(defaultPool)
    console.log(process.platform === 'linux' ? threads() - before : 0)
  `)
  t.regex(stdout, /^Pool \{[^}]*threads: 0,[^}]*\}\s+0\s*$/)
})

test('a pool on other machines, without the password', async (t) => {
  const pool = new RemotePool({ connection: 'redis://:secret@127.0.0.1:1' })
  const shown = inspect(pool, { depth: 9, showHidden: true })
  t.regex(shown, /^RemotePool \{\s+name: 'heavy-load',/)
  t.notRegex(shown, /secret/)
  await pool.close({ force: true })
})

test('a frozen buffer', (t) => {
  const frozen = freeze(new Uint8Array(3))
  t.is(inspect(frozen), 'FrozenBuffer { byteLength: 3 }')
  frozen.thaw()
  t.is(inspect(frozen), 'FrozenBuffer (thawed)')
})
