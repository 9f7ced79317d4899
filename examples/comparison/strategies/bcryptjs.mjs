// The package bcryptjs: bcrypt in JavaScript, on the event loop.
import { HASH, logins } from '../lib/login.mjs'

export const strategy = {
  name: 'bcryptjs',
  job: 'login',
  title: 'JavaScript (bcryptjs)',
  summary:
    'bcrypt in JavaScript on the event loop, in slices of 100 ms: all logins share one core with everybody else. A check that has begun runs to its end; a request stops between two.',
  can: { parallel: false, progress: true, cancel: true, zeroCopy: false, otherMachines: false },
  async open() {
    const { compare } = await import('bcryptjs')
    return logins((password, { onProgress }) => compare(password, HASH, undefined, onProgress))
  },
}
