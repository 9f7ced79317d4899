'use strict'

/** Loaded in the server: sees when its event loop does not turn. */

const { subscribe } = require('node:diagnostics_channel')
const { openSync, readSync } = require('node:fs')
const { Socket } = require('node:net')
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
  const cpu = cpuClock()
  const mark = () => ({ time: now(), cpu: cpu() })
  let last = mark()
  let turn = last
  let isTold = false
  const look = () => {
    if (now() - last.time < INTERVAL) return
    const { time, cpu } = last
    last = mark()
    const start = time + INTERVAL
    if (last.time - start < threshold) return
    stalls.push({ start, end: last.time, cpu: last.cpu - cpu, isCrowd: false })
    isTold = true
  }
  const tick = () => {
    look()
    const { time, cpu } = turn
    turn = last
    const start = time + INTERVAL
    if (!isTold && turn.time - start >= threshold) {
      stalls.push({ start, end: turn.time, cpu: turn.cpu - cpu, isCrowd: true })
    }
    isTold = false
  }
  // It does not keep the server alive.
  setInterval(tick, INTERVAL).unref()
  onCallbacks(look)
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

/**
 * Calls it where libuv calls JavaScript, so that many short pieces of work in one turn of the loop are not taken for a long one: when a request, an
 * answer or other data of a socket has come.
 * @param {() => void} look
 */
function onCallbacks(look) {
  for (const name of ['http.server.request.start', 'http.client.response.finish', 'undici:request:headers']) {
    subscribe(name, look)
  }
  const prototype = /** @type {any} */ (Socket.prototype)
  const { push } = prototype
  prototype.push = function (/** @type {any[]} */ ...args) {
    look()
    return push.apply(this, args)
  }
}

/**
 * The CPU time of this thread in milliseconds. Where only that of the whole process can be had, its other threads make a stall look like the
 * server's own that is not.
 * @returns {() => number}
 */
function cpuClock() {
  const { threadCpuUsage } = /** @type {any} */ (process)
  if (threadCpuUsage === undefined && process.platform === 'linux') {
    const clock = schedulerClock()
    if (clock !== undefined) return clock
  }
  const usage = threadCpuUsage ?? process.cpuUsage
  return () => {
    const { user, system } = usage.call(process)
    return (user + system) / 1000
  }
}

/**
 * Linux tells it as the first of three numbers, in nanoseconds, where the kernel is built so.
 * @returns {(() => number) | undefined}
 */
function schedulerClock() {
  const bytes = Buffer.alloc(64)
  try {
    const descriptor = openSync('/proc/thread-self/schedstat', 'r')
    const read = () => Number.parseInt(bytes.toString('latin1', 0, readSync(descriptor, bytes, 0, 64, 0)), 10) / 1e6
    return read() > 0 ? read : undefined
  } catch {
    return undefined
  }
}

module.exports = { watchLoop }
