'use strict'

/**
 * Loaded into the server by `--require`, before its own code: takes a CPU profile, sees the stalls, and writes both down when it is told to, or
 * when the process ends. What the server can see of it is as little as possible.
 */

const { isMainThread } = require('node:worker_threads')
const { FINISH, VARIABLE } = require('./names.js')

const settings = process.env[VARIABLE]
if (settings !== undefined && isMainThread) {
  // Processes and threads of the server's own are not watched.
  delete process.env[VARIABLE]
  const at = process.execArgv.indexOf(__filename)
  if (at > 0) process.execArgv.splice(at - 1, 2)
  watch(JSON.parse(settings))
}

/** @param {{ file: string, threshold: number }} settings */
function watch({ file, threshold }) {
  const { renameSync, writeFileSync } = require('node:fs')
  const { Session } = require('node:inspector')
  const { join } = require('node:path')
  const { Worker } = require('node:worker_threads')
  const { watchNatives } = require('./natives.js')
  const { countRequests } = require('./requests.js')
  const { watchLoop } = require('./ticks.js')

  const now = performance.now.bind(performance)
  const { stringify } = JSON
  const start = now()
  const profiler = startProfiler(Session, now)
  const notes = watchNatives(now)
  const loop = watchLoop(now, threshold)
  const requests = countRequests()
  const control = new Worker(join(__dirname, 'control.js'), { execArgv: [], env: {}, stdin: false })
  // If it fails, the doctor sees its pipe close.
  control.on('error', () => {})
  control.unref()
  /** @type {number | null} */
  let listening = null
  onListening(() => {
    if (listening !== null) return
    listening = now()
    loop.restart()
    control.postMessage('listening')
  })

  let isFinished = false
  const finish = () => {
    if (isFinished) return
    isFinished = true
    const end = now()
    const delay = loop.stop()
    const { profile, offset } = profiler.stop()
    const workers = Object.keys(require('node:cluster').workers ?? {}).length
    const recording = {
      start,
      listening,
      end,
      offset,
      requests: requests(),
      delay,
      workers,
      stalls: loop.stalls,
      notes,
      profile,
    }
    try {
      writeFileSync(`${file}.part`, stringify(recording))
      // Whoever finds it finds all of it.
      renameSync(`${file}.part`, file)
    } catch {
      // The server is not to fail by it; the command sees that there is none.
    }
    control.postMessage('finished')
  }
  Object.defineProperty(globalThis, Symbol.for(FINISH), { value: finish })
  process.on('exit', finish)
}

/**
 * @param {typeof import('node:inspector').Session} Session
 * @param {() => number} now
 */
function startProfiler(Session, now) {
  const session = new Session()
  session.connect()
  session.post('Profiler.enable')
  // A stall has twenty-five samples at least.
  session.post('Profiler.setSamplingInterval', { interval: 2000 })
  const clock = () => Number(process.hrtime.bigint() / 1000n)
  const before = { own: now(), clock: clock() }
  session.post('Profiler.start')
  const after = clock()
  return {
    stop() {
      /** @type {any} */
      let profile
      session.post('Profiler.stop', (error, result) => {
        if (error) throw error
        profile = result.profile
      })
      session.disconnect()
      // V8's clock is the system's as well, but where it is not, it began here.
      const isSame = profile.startTime >= before.clock - 1000 && profile.startTime <= after + 1000
      const same = isSame ? before.clock : profile.startTime
      return { profile, offset: same / 1000 - before.own }
    },
  }
}

/**
 * Of whatever server listens first, also of one of a framework.
 * @param {() => void} tell
 */
function onListening(tell) {
  const { Server } = require('node:net')
  const prototype = /** @type {any} */ (Server.prototype)
  const { listen } = prototype
  prototype.listen = function (/** @type {any[]} */ ...args) {
    this.once('listening', tell)
    return listen.apply(this, args)
  }
}
