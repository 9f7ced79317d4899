'use strict'

/**
 * What is taken from the runtime, once, when this module is loaded, and from where it cannot be replaced: test environments
 * put fake timers in the place of global ones, give modules a copy of the process object, and hide globals.
 */

const { Buffer } = require('node:buffer')
const perfHooks = require('node:perf_hooks')
const { clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } = require('node:timers')
const { exitListener, host } = require('./native.js')

/** The runtime's own realm. */
const realm = host()
const { AbortController, AbortSignal, EventTarget, process, queueMicrotask, structuredClone } = realm
const { nextTick } = process

// libuv waits for its threads before the process exits: what they run has to stop first.
const onExit = exitListener()
if (onExit !== null) process.once('exit', onExit)

const performance = { now: perfHooks.performance.now.bind(perfHooks.performance) }

/**
 * Throws an error of the caller's code where it is the caller's affair: as an uncaught exception, after what is under way.
 * @param {unknown} error
 */
function throwApart(error) {
  nextTick(() => {
    throw error
  })
}

module.exports = {
  AbortController,
  AbortSignal,
  Buffer,
  EventTarget,
  clearInterval,
  clearTimeout,
  nextTick,
  performance,
  process,
  queueMicrotask,
  setImmediate,
  setInterval,
  setTimeout,
  structuredClone,
  throwApart,
}
