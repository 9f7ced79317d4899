'use strict'

/** Which stalls the server has made itself, and on what their time went. */

const { blameFor } = require('./blame.js')

/**
 * @typedef {import('./blame.js').Blame} Blame
 * @typedef {import('./blame.js').Note} Note
 *
 * @typedef {object} Stall
 * @property {number} start in milliseconds of the server's clock
 * @property {number} end
 * @property {number} cpu milliseconds of a CPU that the process took meanwhile
 *
 * @typedef {object} Part of a stall
 * @property {Blame} blame
 * @property {number} time
 * @property {number} hotLine where the function that is blamed spent it; 0 if that is not known
 */

/** The part of a stall for which the clocks of the CPU and of samples may be wrong. */
const TOLERANCE = 0.9
/** How many calls that began later are looked through for one that goes on. */
const DEPTH = 100
/** Calls that wait, and take no CPU meanwhile. */
const WAITS = /^(?:child_process\.|fs\.|native code$|Atomics)/

/**
 * The parts of a stall, one for each time that its blame changes. The collector's time is that of whoever ran before: it is their garbage, or at
 * least their allocation that made it run. Native code without a stack between two samples of one blame is theirs, too.
 * @param {Stall} stall
 * @param {import('./samples.js').Sample[]} samples in order
 * @param {Note[]} notes
 * @returns {Part[]}
 */
function partsOf(stall, samples, notes) {
  const parts = samples
    .slice(firstAfter(samples, stall.start), firstAt(samples, stall.end))
    .map(({ start, end, stack }) => {
      const middle = (Math.max(start, stall.start) + Math.min(end, stall.end)) / 2
      const note = stack.frames.some(({ kind }) => kind === 'doctor') ? noteAt(notes, start, middle) : undefined
      const [leaf] = stack.frames
      const blame = blameFor(stack.frames, note)
      const isOwnTime = blame !== undefined && leaf.file === blame.file && leaf.file !== ''
      return {
        blame,
        time: Math.min(end, stall.end) - Math.max(start, stall.start),
        hotLine: isOwnTime ? stack.hotLine : 0,
      }
    })
  // What comes after each, but for code without a stack.
  let after = /** @type {Blame | undefined} */ (undefined)
  const next = parts
    .toReversed()
    .map(({ blame }) => {
      const next = after
      if (blame?.kind !== 'program') after = blame
      return next
    })
    .reverse()
  for (const [n, part] of parts.entries()) {
    const before = parts[n - 1]?.blame
    if (before === undefined) continue
    const isBetween = part.blame?.kind === 'program' && next[n] !== undefined && keyOf(next[n]) === keyOf(before)
    if (part.blame?.kind === 'collector' || isBetween) part.blame = before
  }
  return /** @type {Part[]} */ (parts.filter(({ blame, time }) => blame !== undefined && time > 0))
}

/**
 * Whether the process itself has blocked for that long. If it has not computed, nor waited in a call, the machine had no CPU for it, or was
 * asleep.
 * @param {Stall} stall
 * @param {Part[]} parts
 * @param {number} threshold
 */
function isOwnStall({ cpu }, parts, threshold) {
  const least = threshold * TOLERANCE
  const total = sum(parts)
  const waited = sum(parts.filter(({ blame }) => blame.native !== undefined && WAITS.test(blame.native)))
  return total >= least && Math.max(cpu, waited) >= least
}

/** @param {{ time: number }[]} parts */
function sum(parts) {
  return parts.reduce((all, { time }) => all + time, 0)
}

/**
 * What is reported as one.
 * @param {Blame} blame
 */
function keyOf({ kind, package: of, function: name, file, line, native, caller }) {
  return JSON.stringify([kind, of, name, file, line, native, caller?.file, caller?.function])
}

/**
 * @param {Note[]} notes
 * @param {number} start of a sample
 * @param {number} middle of its time
 */
function noteAt(notes, start, middle) {
  // The call may have ended before the sample's time has.
  return noteOf(notes, start) ?? noteOf(notes, middle)
}

/**
 * @param {Note[]} notes in the order of their ends
 * @param {number} time
 */
function noteOf(notes, time) {
  const first = search(notes, ({ end }) => end >= time)
  // Of calls within each other the inner one ends first.
  return notes.slice(first, first + DEPTH).find(({ start }) => start <= time)
}

/**
 * @param {import('./samples.js').Sample[]} samples
 * @param {number} time
 */
function firstAfter(samples, time) {
  return search(samples, ({ end }) => end > time)
}

/**
 * @param {import('./samples.js').Sample[]} samples
 * @param {number} time
 */
function firstAt(samples, time) {
  return search(samples, ({ start }) => start >= time)
}

/**
 * @template T
 * @param {T[]} row of which some first elements are not, and all others are
 * @param {(element: T) => boolean} is
 */
function search(row, is) {
  let low = 0
  let high = row.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (is(row[middle])) high = middle
    else low = middle + 1
  }
  return low
}

module.exports = { isOwnStall, keyOf, partsOf, sum }
