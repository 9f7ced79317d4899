'use strict'

/**
 * Runs in a worker thread: loads the user's module, and calls its functions, one at a time.
 *
 * Between two calls the thread waits for the next for a moment without its event loop, which costs less than to be woken by it; and after
 * that in its event loop, so that the module's own timers and the like go on.
 */

const { readlinkSync } = require('node:fs')
const os = require('node:os')
const { basename } = require('node:path')
const { receiveMessageOnPort, workerData } = require('node:worker_threads')
const { REQUESTS, PROGRESS, viewsOf } = require('./memory.js')
const { sendThrown } = require('./thrown.js')

/** How long it waits without its event loop, in milliseconds. */
const LINGER = 0.5

/** What `move` of piscina and tinypool makes of a result, by symbols that theirs have in every realm: what it is, and what of it is moved. */
const MOVED = ['Piscina', 'Tinypool'].map((pool) => ({
  value: Symbol.for(`${pool}.valueOf`),
  moved: Symbol.for(`${pool}.transferable`),
}))

const { url, port, memory, niceness } = workerData
const { counters, fractions } = viewsOf(memory)
/** @type {Map<string, (...args: any[]) => any>} */
const functions = new Map()

/** On Linux threads have priorities of their own: these are to stand back behind the event loop as the pool's own do. */
function standBack() {
  if (process.platform !== 'linux' || niceness === 0) return
  try {
    os.setPriority(Number(basename(readlinkSync('/proc/thread-self'))), niceness)
  } catch {
    // It keeps normal priority.
  }
}

/**
 * What a module exports that can be called. Of a CommonJS module, those of `module.exports` that Node has not found by name, too.
 * @param {any} exports
 */
function find(exports) {
  const sources = [exports.default, exports].filter((source) => typeof source === 'object' && source !== null)
  for (const source of sources) {
    for (const [name, value] of Object.entries(source)) if (typeof value === 'function') functions.set(name, value)
  }
}

/** @param {number} fraction */
function progress(fraction) {
  fractions[PROGRESS] = fraction
}

/** @param {any} result */
function succeed(result) {
  try {
    const symbols =
      typeof result === 'object' && result !== null
        ? MOVED.find(({ value, moved }) => value in result && moved in result)
        : undefined
    if (symbols === undefined) port.postMessage({ value: result })
    else port.postMessage({ value: result[symbols.value] }, [result[symbols.moved]].flat())
  } catch (error) {
    fail(error)
  }
}

/** @param {unknown} error */
function fail(error) {
  sendThrown(error, (thrown) => port.postMessage({ thrown }))
}

/**
 * Calls a function; whether it has ended by now.
 * @param {{ name: string, args: any[], progresses: boolean }} call
 */
function run({ name, args, progresses }) {
  let result
  try {
    if (progresses) args.push(progress)
    result = /** @type {(...args: any[]) => any} */ (functions.get(name))(...args)
    if (typeof result?.then === 'function') {
      Promise.resolve(result).then(succeed, fail)
      return false
    }
  } catch (error) {
    fail(error)
    return true
  }
  succeed(result)
  return true
}

/** @param {any} call */
function serve(call) {
  let seen = Atomics.load(counters, REQUESTS)
  while (run(call)) {
    if (Atomics.wait(counters, REQUESTS, seen, LINGER) === 'timed-out') return
    seen = Atomics.load(counters, REQUESTS)
    const next = receiveMessageOnPort(port)
    if (next === undefined) return
    call = next.message
  }
}

standBack()
import(url).then(
  (exports) => {
    find(exports)
    port.postMessage({ names: [...functions.keys()] })
    port.on('message', serve)
  },
  // Its owner ends it, whatever the module has begun.
  (error) => sendThrown(error, (thrown) => port.postMessage({ notLoaded: thrown })),
)
