'use strict'

/** A report as it is read in a terminal. */

const { relative, sep } = require('node:path')
const { NAMELESS } = require('./routes.js')

/**
 * @typedef {ReturnType<typeof import('./report.js').reportOf>} Report
 * @typedef {Report['causes'][number]} Cause
 */

/** Most causes that are shown. */
const MOST = 10

/**
 * @param {Report} report
 * @param {{ server: string, threshold: number, folder: string }} about what was watched, and from where paths are shown
 */
function textOf(report, { server, threshold, folder }) {
  const { watched, listened, workers, requests, delay, stalls, causes, crowds } = report
  const lines = [
    `${server} was watched for ${(watched / 1000).toFixed(1)} s${of(requests, listened)}. Its event loop was late by ${ms(delay.median)} (median), ${ms(delay.p99)} (99 %), ${ms(delay.longest)} (the longest).`,
  ]
  if (stalls.count > 0 && delay.longest >= stalls.longest + threshold) {
    const machine = stalls.notTheServers === 0 ? '' : ', or the machine had no CPU for it'
    lines.push(
      `The longest stall took ${ms(stalls.longest)}: it was late for longer where several pieces of work came one after another${machine}.`,
    )
  }
  if (!listened && workers === 0) lines.push('It has not listened on any port, so that its start is part of this.')
  if (workers > 0) {
    lines.push(
      `Its worker processes (node:cluster, ${workers} of them) are not watched: start it as one process for this.`,
    )
  }
  if (stalls.count === 0 && !isJudged(report)) {
    lines.push(
      `Nothing can be said of it: no request came to what was watched. It needs a load, made while it is watched.`,
    )
  } else if (stalls.count === 0) lines.push(`Nothing blocks it: no stall of ${threshold} ms or more.`)
  else lines.push(`It stalled ${times(stalls.count)} for ${threshold} ms or more, ${ms(stalls.time)} in all, by:`)
  for (const [n, cause] of causes.slice(0, MOST).entries()) lines.push('', ...linesOf(cause, n + 1, folder))
  if (causes.length > MOST) {
    const rest = causes.slice(MOST).reduce((sum, { share }) => sum + share, 0)
    lines.push('', `And ${causes.length - MOST} more, ${percent(rest)} together: --report writes all.`)
  }
  if (crowds.count > 0) {
    const count = times(crowds.count)
    lines.push(
      '',
      `${count} it was late by many pieces of work that are each shorter, ${ms(crowds.time)} in all: too much for one process`,
      '(docs/guides/scaling.md), or for its event loop alone.',
    )
    for (const [n, cause] of crowds.causes.entries()) lines.push('', ...linesOf(cause, n + 1, folder))
  }
  if (stalls.notTheServers > 0) {
    lines.push(
      '',
      `${times(stalls.notTheServers)} it was late because the machine had no CPU for it: that is not the server's doing.`,
    )
  }
  return `${lines.join('\n')}\n`
}

/**
 * Whether no stall means that nothing blocks: of a server only if it had something to do.
 * @param {Pick<Report, 'listened' | 'workers' | 'requests'>} report
 */
function isJudged({ listened, workers, requests }) {
  return requests > 0 || (!listened && workers === 0)
}

/**
 * @param {number} requests
 * @param {boolean} listened
 */
function of(requests, listened) {
  if (!listened) return ''
  if (requests === 0) return ', in which no request came'
  return requests === 1 ? ', in which 1 request came' : `, in which ${requests.toLocaleString('en')} requests came`
}

/**
 * @param {Cause} cause
 * @param {number} number
 * @param {string} folder
 */
function linesOf(cause, number, folder) {
  const { file, line, hotLine, native, caller, share, stalls, longest, source, instead } = cause
  const place = (/** @type {string | null} */ file, /** @type {number | null} */ line) =>
    `${short(file ?? '', folder)}${line === null || line === 0 ? '' : `:${line}`}`
  // What is minified has lines that say nothing.
  const code = source === null || source.length > 200 ? [] : [`    ${source.slice(0, 100)}`]
  const lines = [
    `${titleOf(cause)}: ${percent(share)} of that, in ${stalls} ${stalls === 1 ? 'stall' : 'stalls'}, the longest ${ms(longest)}`,
  ]
  if (file !== null && cause.kind !== 'native') {
    const hot = hotLine === null || hotLine === line ? '' : `, the hottest line is ${hotLine}`
    lines.push(`at ${place(file, line)}${hot}`)
    if (!caller?.isExact) lines.push(...code)
  }
  if (native !== null && cause.kind !== 'native') lines.push(`in ${native}`)
  if (caller?.isExact) lines.push(`called at ${place(caller.file, caller.line)}, in ${nameOf(caller)}`, ...code)
  else if (caller !== null) {
    lines.push(`called by ${nameOf(caller)}, which begins at ${place(caller.file, caller.line)}`)
  } else if (cause.kind === 'package') {
    lines.push('no function of yours is on the stack, as after an await or a callback: it is not known who called it')
  }
  lines.push(instead.call === null ? instead.text : `instead: ${instead.text}`)
  return lines.map((text, n) => (n === 0 ? `${String(number).padStart(2)}. ${text}` : `    ${text}`))
}

/** @param {Cause} cause */
function titleOf(cause) {
  const { kind, package: of, function: name } = cause
  if (kind === 'collector') return 'the garbage collector'
  if (kind === 'node') return 'Node.js itself'
  if (kind === 'program') return 'native code without JavaScript'
  return of === null ? nameOf(cause) : `${of}: ${name}`
}

/**
 * @param {string} file
 * @param {string} folder
 */
function short(file, folder) {
  const path = relative(folder, file)
  return path.startsWith(`..${sep}..`) || path === '' ? file : path
}

/** @param {{ function: string, route: string | null }} place */
function nameOf({ function: name, route }) {
  if (route !== null) return `the handler of ${route}`
  return name === NAMELESS ? 'a function without a name' : name
}

/** @param {number} time */
function ms(time) {
  return `${time < 10 ? time.toFixed(1) : Math.round(time).toLocaleString('en')} ms`
}

/** @param {number} share */
function percent(share) {
  return `${Math.round(share * 100)} %`
}

/** @param {number} count */
function times(count) {
  return count === 1 ? 'once' : `${count.toLocaleString('en')} times`
}

module.exports = { isJudged, textOf }
