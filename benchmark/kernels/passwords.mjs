// heavy-load/passwords beside @node-rs/argon2, @node-rs/bcrypt and bcryptjs: same parameters, 2 threads each.
//
//   npm run setup -- --packs && node benchmark/kernels/passwords.mjs
import assert from 'node:assert/strict'
import { inFlight, race } from './race.mjs'

// Read once, when the first work begins.
process.env.UV_THREADPOOL_SIZE = '2'
process.env.HEAVY_LOAD_THREADS = '2'
const argon2 = await import('@node-rs/argon2')
const bcrypt = await import('@node-rs/bcrypt')
const { default: bcryptjs } = await import('bcryptjs')
const { Pool } = await import('heavy-load')
const { hashPassword, verifyPassword } = await import('heavy-load/passwords')

const pool = new Pool({ threads: 2, niceness: 0 })
const PASSWORD = 'correct horse battery staple'
const owasp = { memoryCost: 19456, timeCost: 2, parallelism: 1 }
const kept = await hashPassword(PASSWORD, { ...owasp, pool })
const keptByBcrypt = await hashPassword(PASSWORD, { algorithm: 'bcrypt', cost: 10, pool })

for (const count of [1, 8]) {
  await race(`argon2id, 19 MiB, 2 passes: hash, ${count} in flight`, {
    'heavy-load': () => inFlight(count, () => hashPassword(PASSWORD, { ...owasp, pool })),
    '@node-rs/argon2': () => inFlight(count, () => argon2.hash(PASSWORD, owasp)),
  })
  await race(
    `argon2id, 19 MiB, 2 passes: verify, ${count} in flight`,
    {
      'heavy-load': () => inFlight(count, () => verifyPassword(PASSWORD, { hash: kept, pool })),
      '@node-rs/argon2': () => inFlight(count, () => argon2.verify(kept, PASSWORD)),
    },
    { check: (all) => assert.deepEqual(all, Array(count).fill(true)) },
  )
  await race(
    `bcrypt, cost 10: verify, ${count} in flight`,
    {
      'heavy-load': () => inFlight(count, () => verifyPassword(PASSWORD, { hash: keptByBcrypt, pool })),
      '@node-rs/bcrypt': () => inFlight(count, () => bcrypt.verify(PASSWORD, keptByBcrypt)),
      'bcryptjs (on the event loop)': () => inFlight(count, () => bcryptjs.compare(PASSWORD, keptByBcrypt)),
    },
    { check: (all) => assert.deepEqual(all, Array(count).fill(true)) },
  )
}
await pool.close()
