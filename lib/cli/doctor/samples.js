'use strict'

/** A CPU profile as a row of samples, each with its stack and the time that it stands for. */

const { frameOf } = require('./frames.js')

/**
 * @typedef {object} Profile of the inspector; times in microseconds
 * @property {{ id: number, callFrame: import('./frames.js').CallFrame, children?: number[], positionTicks?: { line: number, ticks: number }[] }[]} nodes
 * @property {number} startTime
 * @property {number} endTime
 * @property {number[]} [samples]
 * @property {number[]} [timeDeltas]
 *
 * @typedef {object} Stack
 * @property {import('./frames.js').Frame[]} frames the innermost first, without the root
 * @property {{ line: number, share: number }[]} lines of the innermost function, with the share of its time in each
 *
 * @typedef {object} Sample
 * @property {number} start in milliseconds of the server's clock
 * @property {number} end that of the next one
 * @property {Stack} stack
 */

/**
 * @param {Profile} profile
 * @param {(microseconds: number) => number} clock gives the server's
 * @param {(file: string) => boolean} isDoctor
 * @returns {Sample[]}
 */
function samplesOf(profile, clock, isDoctor) {
  const stacks = stacksOf(profile, isDoctor)
  const { samples = [], timeDeltas = [] } = profile
  let time = profile.startTime
  const times = timeDeltas.map((delta) => {
    time += delta
    return time
  })
  const rows = samples.map((id, n) => ({ time: times[n], stack: /** @type {Stack} */ (stacks.get(id)) }))
  // V8 may write two of them in the wrong order.
  rows.sort((a, b) => a.time - b.time)
  return rows.map(({ time, stack }, n) => ({
    start: clock(time),
    end: clock(rows[n + 1]?.time ?? Math.max(time, profile.endTime)),
    stack,
  }))
}

/**
 * @param {Profile} profile
 * @param {(file: string) => boolean} isDoctor
 */
function stacksOf({ nodes }, isDoctor) {
  /** @type {Map<number, number>} */
  const parents = new Map()
  for (const { id, children = [] } of nodes) for (const child of children) parents.set(child, id)
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, frameOf(callFrame, isDoctor)]))
  /** @type {Map<number, Stack>} */
  const stacks = new Map()
  for (const { id, positionTicks = [] } of nodes) {
    const stack = []
    for (let at = /** @type {number | undefined} */ (id); at !== undefined; at = parents.get(at)) {
      const frame = /** @type {import('./frames.js').Frame} */ (frames.get(at))
      if (frame.kind !== 'root') stack.push(frame)
    }
    const all = positionTicks.reduce((sum, { ticks }) => sum + ticks, 0)
    const lines = positionTicks.map(({ line, ticks }) => ({ line, share: ticks / all }))
    stacks.set(id, { frames: stack, lines })
  }
  return stacks
}

module.exports = { samplesOf }
