'use strict'

/** Loaded in the server: sees when its event loop does not turn. */

const { monitorEventLoopDelay } = require('node:perf_hooks')

/** How often the loop is looked at, in milliseconds. A stall may be longer by that than is seen. */
const INTERVAL = 5
/** Node's own histogram has it in all of its values. */
const RESOLUTION = 10

/**
 * @param {() => number} now
 * @param {number} threshold milliseconds
 */
function watchLoop(now, threshold) {
  /** @type {import('./stalls.js').Stall[]} */
  const stalls = []
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION })
  histogram.enable()
  // Newer versions of Node.js tell the time of this thread alone.
  const cpuUsage = /** @type {any} */ (process).threadCpuUsage ?? process.cpuUsage
  const cpu = () => {
    const { user, system } = cpuUsage.call(process)
    return (user + system) / 1000
  }
  let last = { time: now(), cpu: cpu() }
  const tick = () => {
    const time = now()
    const due = last.time + INTERVAL
    const used = cpu()
    if (time - due >= threshold) stalls.push({ start: due, end: time, cpu: used - last.cpu })
    last = { time, cpu: used }
  }
  // It does not keep the server alive.
  setInterval(tick, INTERVAL).unref()
  return {
    stalls,
    /** From now on it counts. */
    restart: () => histogram.reset(),
    stop() {
      // One may be going on.
      tick()
      histogram.disable()
      const of = (/** @type {number} */ nanoseconds) => Math.max(0, nanoseconds / 1e6 - RESOLUTION)
      const isEmpty = histogram.count === 0
      return {
        median: isEmpty ? 0 : of(histogram.percentile(50)),
        p99: isEmpty ? 0 : of(histogram.percentile(99)),
        longest: isEmpty ? 0 : of(histogram.max),
      }
    },
  }
}

module.exports = { watchLoop }
