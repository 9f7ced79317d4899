'use strict'

/** From what was recorded in the server to what is reported: no processes, no files, no clocks. */

const { adviceFor } = require('./advice.js')
const { routeOf } = require('./routes.js')
const { samplesOf } = require('./samples.js')
const { isOwnStall, keyOf, partsOf, sum } = require('./stalls.js')

/**
 * @typedef {object} Recording what preload.js writes
 * @property {number} start in milliseconds of the server's clock
 * @property {number | null} listening when it first listened, if it did
 * @property {number} end
 * @property {number} offset of the profile's clock, in milliseconds, from the server's
 * @property {number} requests that have come to it
 * @property {{ median: number, p99: number, longest: number }} delay of the event loop, in milliseconds
 * @property {number} workers of node:cluster, which are processes of their own
 * @property {import('./stalls.js').Stall[]} stalls
 * @property {import('./blame.js').Note[]} notes
 * @property {import('./samples.js').Profile} profile
 *
 * @typedef {object} Cause
 * @property {import('./blame.js').Blame['kind']} kind
 * @property {string | null} package
 * @property {string} function
 * @property {string | null} file
 * @property {number | null} line where the function begins
 * @property {number | null} hotLine where the largest part of its own time went, if that is a large part of all
 * @property {string | null} source the text of that line, or of the call
 * @property {string | null} native the call into native code, if that is where the time went
 * @property {string | null} route that it handles, if it has no name and the line where it begins says so
 * @property {(import('./blame.js').Place & { begins: number, isExact: boolean, route: string | null }) | null} caller
 * @property {number} share of all time of stalls, 0 to 1
 * @property {number} time in milliseconds
 * @property {number} stalls in which it had at least a tenth
 * @property {number} longest of those stalls, in milliseconds
 * @property {import('./advice.js').Advice} instead
 *
 * @typedef {ReturnType<typeof causesOf>[number]} Found a cause before files are read
 */

/** A line with less of a cause's time is not a hot one. */
const LEAST_OF_CAUSE = 0.25
/** A part of a stall below this does not count as one of its causes, and a cause below it is not listed. */
const LEAST_OF_STALL = 0.1
const LEAST_OF_ALL = 0.01
/** The share that makes a cause worth naming among many short pieces of work. */
const LEAST_OF_CROWDS = 0.2

/**
 * @param {Recording} recording
 * @param {object} options
 * @param {number} options.threshold milliseconds from which on it is a stall
 * @param {(file: string) => boolean} options.isDoctor whose frames are ours
 * @param {(file: string, line: number) => string | null} options.readLine its text
 */
function reportOf(recording, { threshold, isDoctor, readLine }) {
  const { start, listening, end, offset, delay, notes, profile } = recording
  const from = listening ?? start
  const samples = samplesOf(profile, (microseconds) => microseconds / 1000 - offset, isDoctor)
  const long = recording.stalls.filter((stall) => stall.start >= from && stall.end - stall.start >= threshold)
  const all = long.map((stall) => ({ stall, parts: partsOf(stall, samples, notes) }))
  const own = all.filter(({ stall, parts }) => isOwnStall(stall, parts, threshold))
  const single = own.filter(({ stall }) => !stall.isCrowd)
  const crowds = own.filter(({ stall }) => stall.isCrowd)
  const advise = (/** @type {ReturnType<typeof causesOf>[number]} */ cause) => {
    const source = lineOf(cause, readLine)
    const route = (/** @type {string} */ name, /** @type {string | null} */ file, /** @type {number | null} */ line) =>
      routeOf(name, file && line ? readLine(file, line) : null)
    const { caller } = cause
    return {
      ...cause,
      route: route(cause.function, cause.file, cause.line),
      caller: caller && { ...caller, route: route(caller.function, caller.file, caller.begins) },
      source,
      instead: adviceFor(plain(cause, source)),
    }
  }
  return {
    watched: end - from,
    listened: listening !== null,
    workers: recording.workers,
    requests: recording.requests,
    delay,
    stalls: { ...totalOf(single), notTheServers: all.length - own.length },
    causes: causesOf(single).map(advise),
    crowds: {
      ...totalOf(crowds),
      // Nobody is to blame for a share of short work, but some of it need not be done there.
      causes: causesOf(crowds)
        .map(advise)
        .filter(({ share, instead }) => share >= LEAST_OF_CROWDS && instead.call !== null),
    },
  }
}

/** @typedef {{ stall: import('./stalls.js').Stall, parts: import('./stalls.js').Part[] }[]} Stalls */

/** @param {Stalls} stalls */
function totalOf(stalls) {
  return {
    count: stalls.length,
    time: stalls.reduce((total, { parts }) => total + sum(parts), 0),
    longest: Math.max(0, ...stalls.map(({ stall }) => stall.end - stall.start)),
  }
}

/**
 * @param {Stalls} stalls
 */
function causesOf(stalls) {
  const all = totalOf(stalls).time
  /** @type {Map<string, ReturnType<typeof newCause>>} */
  const causes = new Map()
  for (const { stall, parts } of stalls) {
    const total = sum(parts)
    for (const [key, group] of groups(parts)) {
      const cause = causes.get(key) ?? newCause(group[0].blame)
      causes.set(key, cause)
      cause.time += sum(group)
      if (sum(group) >= total * LEAST_OF_STALL) cause.durations.push(stall.end - stall.start)
      for (const { lines, time, blame } of group) {
        // That of a call is better than where its function begins.
        if (blame.isExact && !cause.blame.isExact) cause.blame = blame
        for (const { line, share } of lines) cause.lines.set(line, (cause.lines.get(line) ?? 0) + time * share)
      }
    }
  }
  return [...causes.values()]
    .map(({ blame, time, lines, durations }) => ({
      kind: blame.kind,
      package: blame.package ?? null,
      function: blame.function,
      file: blame.file || null,
      line: blame.line || null,
      hotLine: hottest(lines, time * LEAST_OF_CAUSE),
      native: blame.native ?? null,
      caller: blame.caller === undefined ? null : { ...blame.caller, isExact: blame.isExact },
      share: time / all,
      time,
      stalls: durations.length,
      longest: Math.max(0, ...durations),
    }))
    .filter(({ share, stalls }) => share >= LEAST_OF_ALL && stalls > 0)
    .sort((a, b) => b.time - a.time)
}

/**
 * @param {Map<number, number>} lines with their times
 * @param {number} least time
 */
function hottest(lines, least) {
  const [line, time] = [...lines].reduce((most, one) => (one[1] > most[1] ? one : most), [0, 0])
  return line > 0 && time >= least ? line : null
}

/** @param {import('./blame.js').Blame} blame */
function newCause(blame) {
  return {
    blame,
    time: 0,
    lines: /** @type {Map<number, number>} */ (new Map()),
    durations: /** @type {number[]} */ ([]),
  }
}

/** @param {import('./stalls.js').Part[]} parts */
function groups(parts) {
  /** @type {Map<string, import('./stalls.js').Part[]>} */
  const all = new Map()
  for (const part of parts) {
    const key = keyOf(part.blame)
    const group = all.get(key) ?? []
    all.set(key, group)
    group.push(part)
  }
  return all
}

/**
 * @param {Found} cause
 * @param {(file: string, line: number) => string | null} readLine
 */
function lineOf({ file, hotLine, caller }, readLine) {
  if (caller?.isExact) return readLine(caller.file, caller.line)
  return file !== null && hotLine !== null ? readLine(file, hotLine) : null
}

/**
 * @param {Found} cause
 * @param {string | null} source
 */
function plain({ kind, package: of, function: name, native }, source) {
  return { kind, package: of ?? undefined, function: name, native: native ?? undefined, source }
}

module.exports = { reportOf }
