'use strict'

// A worker of the queue: node remote.cjs CONTESTANT URL CONCURRENCY.

const [contestant, url, concurrency] = process.argv.slice(2)

const start = {
  'heavy-load': () =>
    require('../../lib/remote/index.js').startWorker({
      connection: url,
      queue: 'benchmark',
      concurrency: Number(concurrency),
    }),
  bullmq: () => {
    const { Worker } = require('bullmq')
    const options = { connection: { url }, concurrency: Number(concurrency) }
    return new Worker('benchmark', async ({ data: { ms } }) => spin(ms), options).waitUntilReady()
  },
}

// It does not outlive who has started it.
process.once('disconnect', () => process.exit())
start[contestant]().then(() => process.send('ready'))

/** Keeps the CPU busy for so many milliseconds of its time. */
function spin(ms) {
  if (ms === 0) return 0
  const start = process.cpuUsage()
  let used
  do {
    const { user, system } = process.cpuUsage(start)
    used = (user + system) / 1e3
  } while (used < ms)
  return used
}
