'use strict'

const { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { constants: os, tmpdir } = require('node:os')
const { dirname, join, resolve, sep } = require('node:path')
const { integer, parse } = require('./arguments.js')
const { duration } = require('./doctor/duration.js')
const { reportOf } = require('./doctor/report.js')
const { startServer } = require('./doctor/server.js')
const { textOf } = require('./doctor/text.js')
const { UsageError } = require('./errors.js')

/** @typedef {{ end: import('./doctor/server.js').End, stoppedBy: 'time' | 'SIGINT' | 'SIGTERM' | undefined, listened: boolean }} Watched */

const DEFAULT_THRESHOLD_MS = 50
/** Without --for. A profile is kept in memory. */
const LONGEST_MS = 3_600_000
/** How long the server gets to write what it knows, in milliseconds: a native call cannot be interrupted. */
const WRITE_MS = 20_000
/** How long it then gets to end, in milliseconds. */
const END_MS = 5000
/** The exit code if stalls were found. */
const FOUND = 3

const USAGE = `Usage: heavy-load doctor [options] FILE [ARGUMENTS]

Runs a server, FILE, as node does, while you make a load on it, and says what blocks its event loop: which package or function, in which
line, and which call of heavy-load does the same on other threads. Ctrl-C ends it, and then it reports. ARGUMENTS are the server's; those that
begin with a dash stand behind --.

Options:
  --for TIME       ends by itself that long after the server listens: 30s, 500ms, 2m; default when you end it, at most 1h
  --stall MS       how long the event loop has to stand still to be looked at; default ${DEFAULT_THRESHOLD_MS}
  --report FILE    writes the report as JSON, too

Exit code: 0 if nothing blocks, ${FOUND} if something does, 1 if the server could not be watched, or crashed.
`

/** @param {string[]} args */
async function main(args) {
  const { values, positionals } = parse(args, {
    for: { type: 'string' },
    stall: { type: 'string' },
    report: { type: 'string' },
  })
  const [name, ...own] = positionals
  if (name === undefined) throw new UsageError('The FILE of a server is missing')
  const limit = duration(values, 'for')
  const threshold = integer(values, 'stall', 10, 60_000) ?? DEFAULT_THRESHOLD_MS
  const server = serverOf(name)
  // Not only when all is done.
  if (values.report !== undefined) accessSync(dirname(resolve(values.report)), constants.W_OK)

  const folder = mkdtempSync(join(tmpdir(), `heavy-load-doctor-${process.pid}-`))
  try {
    const file = join(folder, 'recording.json')
    const watched = await watch(name, startServer(server, own, { file, threshold }), limit)
    const isRecorded = existsSync(file)
    const problem = problemOf(watched, isRecorded)
    if (problem !== undefined) log(problem)
    else if (watched.stoppedBy === undefined) log('the server has ended by itself')
    // Of a server that could not start, its start is not what is asked for.
    const isWorthIt = isRecorded && (watched.listened || problem === undefined)
    const found = isWorthIt && tell(JSON.parse(readFileSync(file, 'utf8')), { server, name, threshold }, values.report)
    if (watched.stoppedBy === 'SIGTERM') process.exitCode = 128 + os.signals.SIGTERM
    else process.exitCode = problem !== undefined ? 1 : found ? FOUND : 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * As node finds it.
 * @param {string} name
 */
function serverOf(name) {
  try {
    return require.resolve(resolve(name))
  } catch {
    throw new UsageError(`There is no file '${name}'`)
  }
}

/**
 * Until the time is over, somebody ends it, or it ends.
 * @param {string} name
 * @param {ReturnType<typeof startServer>} server
 * @param {number | undefined} limit
 * @returns {Promise<Watched>}
 */
async function watch(name, server, limit) {
  let listened = false
  const signals = signalsTo(() => server.kill('SIGKILL'))
  const over = timer(limit ?? LONGEST_MS)
  server.listening.then(() => {
    listened = true
    over.restart()
    const ends = limit === undefined ? 'Ctrl-C ends it' : `it ends in ${limit / 1000} s, or by Ctrl-C`
    log(`${name} listens. Make a load on it now: ${ends}`)
  })
  const stoppedBy = await Promise.race([
    server.ended.then(() => undefined),
    over.promise.then(() => /** @type {const} */ ('time')),
    signals.first,
  ])
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
    restart() {
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

/**
 * What went wrong, in words.
 * @param {Watched} watched
 * @param {boolean} isRecorded whether it has written what it knows
 * @returns {string | undefined}
 */
function problemOf({ end, stoppedBy, listened }, isRecorded) {
  const how = end.signal === null ? `with exit code ${end.code}` : `by ${end.signal}`
  if (stoppedBy !== undefined) {
    if (isRecorded) return undefined
    return 'the server did not write what it knows: a native call blocks it, which cannot be interrupted, or it was killed'
  }
  if (end.code === 0) return undefined
  if (!listened) return `the server did not start: it ended ${how} before it listened. What it wrote stands above`
  const lost = isRecorded ? '' : ', and what it knew is lost'
  return `the server crashed: it ended ${how} while it was watched${lost}`
}

/**
 * @param {import('./doctor/report.js').Recording} recording
 * @param {{ server: string, name: string, threshold: number }} about
 * @param {string | undefined} file for the report as JSON
 * @returns {boolean} whether there were stalls
 */
function tell(recording, { server, name, threshold }, file) {
  const folder = join(__dirname, 'doctor') + sep
  const kernels = require('../pack-kernels.js')
  const report = reportOf(recording, {
    threshold,
    isDoctor: (path) => path.startsWith(folder),
    isThere: (kernel) => kernel === 'hash' || kernels.has(kernel),
  })
  if (file !== undefined) writeFileSync(file, `${JSON.stringify({ server, threshold, ...report }, undefined, 2)}\n`)
  process.stdout.write(textOf(report, { server: name, threshold, folder: process.cwd() }))
  return report.stalls.count > 0
}

/** @param {string} line */
function log(line) {
  process.stderr.write(`heavy-load doctor: ${line}\n`)
}

module.exports = { main, usage: () => USAGE }
