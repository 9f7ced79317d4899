// heavy-load/passwords: bcrypt on the threads of heavy-load's pool.
import { HASH, logins } from '../lib/login.mjs'

export const strategy = {
  name: 'verify-password',
  job: 'login',
  title: 'verifyPassword',
  summary:
    "heavy-load/passwords on a pool of Rust threads, as many as there are cores: a storm of logins waits there, and neither the event loop nor libuv's threads do. A check whose client has gone stops within a millisecond.",
  can: { parallel: false, progress: true, cancel: true, zeroCopy: false, otherMachines: false },
  async open() {
    const { verifyPassword } = await import('heavy-load/passwords')
    return logins((password, task) => verifyPassword(password, { ...task, hash: HASH }))
  },
}
