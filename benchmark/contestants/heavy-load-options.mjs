// heavy-load's pool form as a server calls it: every task with the options of its request.
import { heavyLoad } from '../../index.js'

export function open() {
  const { signal } = new AbortController()
  const options = { signal, timeout: 30_000, key: 'tenant' }
  return {
    empty: () => heavyLoad(0, options),
    close: async () => undefined,
  }
}
