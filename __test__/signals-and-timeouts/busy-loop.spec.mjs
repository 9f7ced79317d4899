// An event loop that is blocked hears late of what was done in time; that does not make it late.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import test from 'ava'
import { spinAsync } from 'heavy-load'
import { openPool, outcome } from '../helpers/pool.mjs'

/** Blocks the event loop until the pool has nothing to do, and until all timers are due that were set for `ms`. */
function blockUntilDone(pool, ms) {
  const until = performance.now() + ms
  for (;;) {
    const { queued, running } = pool.stats()
    if (queued + running === 0 && performance.now() > until) return
  }
}

/** Calls a function from a callback of I/O: the event loop goes on to its timers before it looks for completions. */
async function fromSocket(t, f) {
  const server = createServer((socket) => socket.end('x'))
  t.teardown(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect(server.address().port, '127.0.0.1')
  await new Promise((resolve) => {
    socket.once('data', () => {
      f()
      resolve()
    })
  })
}

test.serial('tasks that were done in time are no timeouts, though the event loop was busy', async (t) => {
  const pool = openPool(t, { threads: 2 })
  // No short task: the event loop would poll for the next.
  await pool.run('spin', 5)
  const options = () => [{ timeout: 200 }, { signal: AbortSignal.timeout(200) }]
  let tasks
  await fromSocket(t, () => {
    const started = Array.from({ length: 5 }, options).flat()
    tasks = started.map((own) => outcome(pool.run('spin', 5, own)))
    blockUntilDone(pool, 300)
  })
  t.deepEqual(await Promise.all(tasks), Array(10).fill('ok'))
  t.like(pool.stats(), { completed: 11, timedOut: 0, cancelled: 0 })
})

test.serial("so it is on libuv's threads", async (t) => {
  let tasks
  await fromSocket(t, () => {
    const started = Array.from({ length: 5 }, () => [{ timeout: 250 }, { signal: AbortSignal.timeout(250) }]).flat()
    tasks = started.map((own) => outcome(spinAsync(1, own)))
    for (const until = performance.now() + 400; performance.now() < until; );
  })
  t.deepEqual(await Promise.all(tasks), Array(10).fill('ok'))
})

test.serial('nor are they cut off when the pool is closed with a time limit', async (t) => {
  for (const options of [{ timeout: 40 }, { force: true }]) {
    const pool = openPool(t, { threads: 2 })
    await pool.run('spin', 5)
    let tasks
    let closed
    await fromSocket(t, () => {
      tasks = Array.from({ length: 10 }, () => outcome(pool.run('spin', 1)))
      if (options.force) blockUntilDone(pool, 0)
      closed = pool.close(options)
      blockUntilDone(pool, 50)
    })
    t.deepEqual(await Promise.all(tasks), Array(10).fill('ok'))
    await closed
  }
})
