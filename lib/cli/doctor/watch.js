'use strict'

/** From the start of the server to its end, which comes from itself, from a signal, or because the time is over. */

/** @typedef {{ end: import('./server.js').End, stoppedBy: 'time' | 'SIGINT' | 'SIGTERM' | undefined, listened: boolean }} Watched */

/** How long the server gets to listen, in milliseconds, before what is watched counts as something else. */
const START_MS = 30_000
/** How long the server gets to write what it knows, in milliseconds: a native call cannot be interrupted. */
const WRITE_MS = 20_000
/** How long it then gets to end, in milliseconds. */
const END_MS = 5000

/**
 * Until the time is over, somebody ends it, or it ends.
 * @param {() => ReturnType<typeof import('./server.js').startServer>} start
 * @param {{ name: string, limit: number, isOpen: boolean, log: (line: string) => void }} options its name, for how many milliseconds at most, and
 *   whether somebody is to end it before
 * @returns {Promise<Watched>}
 */
async function watch(start, { name, limit, isOpen, log }) {
  let listened = false
  let isOver = false
  // Before there is a server that would have to be ended.
  const signals = signalsTo(() => server.kill('SIGKILL'))
  const server = start()
  const over = timer(Math.max(limit, START_MS))
  server.listening.then(() => {
    listened = true
    // A timer would keep the command from ending.
    if (isOver) return
    over.restart(limit)
    const ends = isOpen ? 'Ctrl-C ends it' : `it ends in ${limit / 1000} s, or by Ctrl-C`
    log(`${name} listens. Make a load on it now: ${ends}`)
  })
  const stoppedBy = await Promise.race([
    server.ended.then(() => undefined),
    over.promise.then(() => /** @type {const} */ ('time')),
    signals.first,
  ])
  isOver = true
  over.stop()
  if (stoppedBy !== undefined) {
    if (stoppedBy !== 'time') log(`${stoppedBy}: the server writes what it knows. Once more, and it is killed`)
    server.finish()
    await within(WRITE_MS, Promise.race([server.finished, server.ended]))
    server.kill(stoppedBy === 'SIGINT' ? 'SIGINT' : 'SIGTERM')
    if ((await within(END_MS, server.ended)) === undefined) {
      log(`${name} does not end by itself: it is killed`)
      server.kill('SIGKILL')
    }
  }
  const end = await server.ended
  server.close()
  signals.stop()
  return { end, stoppedBy, listened }
}

/**
 * SIGINT and SIGTERM; the second one ends the server at once.
 * @param {() => void} kill
 */
function signalsTo(kill) {
  const names = /** @type {const} */ (['SIGINT', 'SIGTERM'])
  /** @type {(name: 'SIGINT' | 'SIGTERM') => void} */
  let hear = () => {}
  let count = 0
  /** @param {NodeJS.Signals} name */
  const listener = (name) => {
    if (++count === 1) hear(/** @type {'SIGINT' | 'SIGTERM'} */ (name))
    else kill()
  }
  for (const name of names) process.on(name, listener)
  return {
    first: /** @type {Promise<'SIGINT' | 'SIGTERM'>} */ (
      new Promise((resolve) => {
        hear = resolve
      })
    ),
    stop() {
      for (const name of names) process.off(name, listener)
    },
  }
}

/**
 * @param {number} ms
 */
function timer(ms) {
  /** @type {() => void} */
  let ring = () => {}
  const promise = /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      ring = () => resolve()
    })
  )
  let running = setTimeout(ring, ms)
  return {
    promise,
    stop: () => clearTimeout(running),
    /** @param {number} ms */
    restart(ms) {
      clearTimeout(running)
      running = setTimeout(ring, ms)
    },
  }
}

/**
 * What a promise gives, or nothing if it takes longer.
 * @template T
 * @param {number} ms
 * @param {Promise<T>} promise
 * @returns {Promise<T | undefined>}
 */
async function within(ms, promise) {
  const late = timer(ms)
  try {
    return await Promise.race([promise, late.promise.then(() => undefined)])
  } finally {
    late.stop()
  }
}

module.exports = { watch }
