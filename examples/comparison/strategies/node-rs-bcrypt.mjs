// The package @node-rs/bcrypt: bcrypt in Rust on libuv's threads, as the package bcrypt does it in C++.
import { HASH, logins } from '../lib/login.mjs'

export const strategy = {
  name: 'node-rs-bcrypt',
  job: 'login',
  title: "libuv's threads (@node-rs/bcrypt)",
  summary:
    "bcrypt in Rust on libuv's threads, of which there are four, for fs, dns and crypto, too: in a storm they wait for it. A check that has begun runs to its end; one that waits for a thread is taken back.",
  can: { parallel: false, progress: true, cancel: true, zeroCopy: false, otherMachines: false },
  async open() {
    const { verify } = await import('@node-rs/bcrypt')
    // It takes a signal for one call only.
    return logins((password, { signal }) => verify(password, HASH, AbortSignal.any([signal])))
  },
}
