'use strict'

const { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { constants: os, tmpdir } = require('node:os')
const { dirname, join, resolve, sep } = require('node:path')
const { integer, parse } = require('./arguments.js')
const { duration } = require('./doctor/duration.js')
const { reportOf } = require('./doctor/report.js')
const { startServer } = require('./doctor/server.js')
const { isJudged, textOf } = require('./doctor/text.js')
const { watch } = require('./doctor/watch.js')
const { UsageError } = require('./errors.js')

const DEFAULT_THRESHOLD_MS = 50
/** The profile is kept in memory. */
const LONGEST_MS = 3_600_000
/** The exit code if stalls were found. */
const FOUND = 3
/** The exit code if it cannot be said: neither the all-clear of 0, nor the server's failure of 1. */
const UNJUDGED = 4

const USAGE = `Usage: heavy-load doctor [options] FILE [ARGUMENTS]

Runs a server, FILE, as node does, while you make a load on it, and says what blocks its event loop: which package or function, in which
line, and which call of heavy-load does the same on other threads. Ctrl-C ends it, and then it reports. ARGUMENTS are the server's; those that
begin with a dash stand behind --.

Options:
  --for TIME       ends by itself that long after the server listens: 30s, 500ms, 2m; default when you end it; at most 1h
  --stall MS       how long the event loop has to stand still to be looked at; default ${DEFAULT_THRESHOLD_MS}
  --report FILE    writes the report as JSON, too

Exit code: 0 if nothing blocks, ${FOUND} if something does, ${UNJUDGED} if no request came to the server, so that it cannot be said, 1 if the server could
not be watched, or crashed.
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
  const limit = duration(values, 'for', LONGEST_MS)
  const threshold = integer(values, 'stall', 10, 60_000) ?? DEFAULT_THRESHOLD_MS
  const server = serverOf(name)
  // Not only when all is done.
  if (values.report !== undefined) accessSync(dirname(resolve(values.report)), constants.W_OK)

  const folder = mkdtempSync(join(tmpdir(), `heavy-load-doctor-${process.pid}-`))
  try {
    const file = join(folder, 'recording.json')
    const watched = await watch(() => startServer(server, own, { file, threshold }), {
      name,
      limit: limit ?? LONGEST_MS,
      isOpen: limit === undefined,
      log,
    })
    const recording = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
    // It may have ended before it could be heard.
    if (recording?.listening != null) watched.listened = true
    const problem = problemOf(watched, recording !== undefined)
    if (problem !== undefined) log(problem)
    else if (watched.stoppedBy === undefined) log('the server has ended by itself')
    // Of a server that could not start, its start is not what is asked for.
    const isWorthIt = recording !== undefined && (watched.listened || problem === undefined)
    const code = isWorthIt ? tell(recording, { server, name, threshold }, values.report) : 0
    if (watched.stoppedBy === 'SIGTERM') process.exitCode = 128 + os.signals.SIGTERM
    else process.exitCode = problem !== undefined ? 1 : code
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
 * What went wrong, in words.
 * @param {import('./doctor/watch.js').Watched} watched
 * @param {boolean} isRecorded whether it has written what it knows
 * @returns {string | undefined}
 */
function problemOf({ end, stoppedBy, listened }, isRecorded) {
  const how = end.signal === null ? `with exit code ${end.code}` : `by ${end.signal}`
  if (stoppedBy !== undefined) {
    if (isRecorded) return undefined
    return 'the server did not write what it knows: a native call blocks it, which cannot be interrupted, it was killed, or there is no room for it'
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
 * @returns {number} the exit code for what was found
 */
function tell(recording, { server, name, threshold }, file) {
  const folder = join(__dirname, 'doctor') + sep
  const report = reportOf(recording, {
    threshold,
    isDoctor: (path) => path.startsWith(folder),
    readLine,
  })
  if (file !== undefined) writeFileSync(file, `${JSON.stringify({ server, threshold, ...report }, undefined, 2)}\n`)
  process.stdout.write(textOf(report, { server: name, threshold, folder: process.cwd() }))
  if (report.stalls.count > 0 || report.crowds.causes.length > 0) return FOUND
  return isJudged(report) ? 0 : UNJUDGED
}

/**
 * @param {string} file
 * @param {number} line from 1
 */
function readLine(file, line) {
  try {
    return readFileSync(file, 'utf8').split('\n')[line - 1]?.trim() || null
  } catch {
    // Made while it ran, or in a place that only the server knows.
    return null
  }
}

/** @param {string} line */
function log(line) {
  process.stderr.write(`heavy-load doctor: ${line}\n`)
}

module.exports = { main, usage: () => USAGE }
