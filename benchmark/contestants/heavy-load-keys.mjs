// heavy-load's pool form where every task has a key of its own, as every client of a server has, and a timeout that is never reached.
import { open as openHeavyLoad } from './heavy-load.mjs'

const TIMEOUT_MS = 60_000

export function open(options) {
  const pool = openHeavyLoad(options)
  let tasks = 0
  return {
    spin: (ms) => pool.spin(ms, { key: `client ${++tasks}`, timeout: TIMEOUT_MS }),
    close: pool.close,
  }
}
