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
 * @property {number} cpu milliseconds of a CPU that the server's thread took meanwhile
 * @property {boolean} isCrowd whether it is many pieces of work, each of which is shorter than a stall
 *
 * @typedef {object} Part of a stall
 * @property {Blame} blame
 * @property {number} time
 * @property {import('./samples.js').Stack['lines']} lines where the function that is blamed spent it, as far as that is known
 */

/** The part of a stall for which the clocks of the CPU and of samples may be wrong. */
const TOLERANCE = 0.9
/** How many calls that began later are looked through for one that goes on. */
const DEPTH = 100
/** Calls that wait, and take no CPU meanwhile. */
const WAITS = /^(?:child_process\.|fs\.|native code$|Atomics)/

/**
 * The parts of a stall, one for each time that its blame changes. The garbage collector, and native code without a stack, have run for
 * whoever was blamed before them and is again after them.
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
      const note = stack.frames.some(isNoted) ? noteAt(notes, start, middle) : undefined
      const [leaf] = stack.frames
      const blame = blameFor(stack.frames, note)
      const isOwnTime = blame !== undefined && leaf.file === blame.file && leaf.file !== ''
      return {
        blame,
        time: Math.min(end, stall.end) - Math.max(start, stall.start),
        lines: isOwnTime ? stack.lines : [],
      }
    })
  // What comes after each, but for what has no stack.
  let after = /** @type {Blame | undefined} */ (undefined)
  const next = parts
    .toReversed()
    .map(({ blame }) => {
      const next = after
      if (hasStack(blame)) after = blame
      return next
    })
    .reverse()
  for (const [n, part] of parts.entries()) {
    const before = parts[n - 1]?.blame
    if (hasStack(part.blame) || before === undefined || next[n] === undefined) continue
    if (keyOf(next[n]) === keyOf(before)) part.blame = before
  }
  return /** @type {Part[]} */ (parts.filter(({ blame, time }) => blame !== undefined && time > 0))
}

/**
 * Whether a native call passes through us there. Others of our functions stand between Node.js and the server.
 * @param {import('./frames.js').Frame} frame
 */
function isNoted({ kind, file }) {
  return kind === 'doctor' && file.endsWith('natives.js')
}

/** @param {Blame | undefined} blame */
function hasStack(blame) {
  return blame?.kind !== 'collector' && blame?.kind !== 'program'
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
  return JSON.stringify([kind, of, name, file, line, native, caller?.file, caller?.function, caller?.begins])
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
  const first = search(notes, ({ end }) => end > time)
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
