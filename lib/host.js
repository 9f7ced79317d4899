'use strict'

/**
 * What is taken from the runtime, once, when this module is loaded, and from where it cannot be replaced: test environments
 * put fake timers in the place of global ones, give modules a copy of the process object, and hide globals.
 */

const { AsyncResource } = require('node:async_hooks')
const { Buffer } = require('node:buffer')
const { addAbortListener } = require('node:events')
const perfHooks = require('node:perf_hooks')
const { clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } = require('node:timers')
const { exitListener, host } = require('./native.js')

/** The runtime's own realm. */
const realm = host()
const { AbortController, AbortSignal, EventTarget, process, queueMicrotask, structuredClone } = realm
const { nextTick } = process
const { isProxy } = require('node:util').types

/** Its class's getters and methods are asked of no signal: other code may have put others there. */
const signals = {
  isProxy,
  getPrototypeOf: Object.getPrototypeOf,
  addAbortListener,
  prototype: AbortSignal.prototype,
  abortedOf: uncurry(/** @type {any} */ (Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')).get),
  addListener: uncurry(EventTarget.prototype.addEventListener),
  removeListener: uncurry(EventTarget.prototype.removeEventListener),
}

/** An async context. It keeps no process alive, and says so as Node's handles do: to Jest's --detectOpenHandles, for one. */
class Context extends AsyncResource {
  hasRef() {
    return false
  }
}

/** That in which the package was loaded, and so none of a caller's: most of it is loaded later, inside a call. */
const context = new Context('heavy-load')
/** A promise of that context, which is resolved. */
const resolved = Promise.resolve()

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

/**
 * A method as a function of what it is called on; none of none.
 * @param {any} method
 */
function uncurry(method) {
  return method && Function.prototype.call.bind(method)
}

/** The name of the method that `console.log` asks for what it shows. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom')

module.exports = {
  AbortController,
  AbortSignal,
  Buffer,
  Context,
  EventTarget,
  INSPECT,
  clearInterval,
  clearTimeout,
  context,
  nextTick,
  performance,
  process,
  queueMicrotask,
  resolved,
  setImmediate,
  setInterval,
  setTimeout,
  signals,
  structuredClone,
  throwApart,
  uncurry,
}
