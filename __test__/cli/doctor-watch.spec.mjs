// `heavy-load doctor`: a server that listens only when the watching is over already leaves nothing that keeps the command from ending.
import { createRequire } from 'node:module'
import test from 'ava'

const require = createRequire(import.meta.url)
const { watch } = require('../../lib/cli/doctor/watch.js')

const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

test('a server that listens late', async (t) => {
  const before = timers()
  const listening = withResolvers()
  const ended = withResolvers()
  const watched = watch(
    () => ({
      listening: listening.promise,
      finished: Promise.resolve(),
      ended: ended.promise,
      finish: listening.resolve,
      kill: () => ended.resolve({ code: null, signal: 'SIGINT' }),
      close() {},
    }),
    { name: 'server.js', limit: 60_000, isOpen: true, log() {} },
  )
  process.emit('SIGINT', 'SIGINT')
  t.like(await watched, { stoppedBy: 'SIGINT', listened: true })
  t.is(timers(), before)
})

function withResolvers() {
  const all = {}
  all.promise = new Promise((resolve) => {
    all.resolve = resolve
  })
  return all
}
