'use strict'

/**
 * Loaded in the server. A CPU profile does not see all native calls: JSON.parse is time of its caller, all of node:zlib is one function, and a
 * function of an addon has any name. So those calls pass through here; of those that took long it is noted when that was and who called.
 */

const { fileOf } = require('./frames.js')

/**
 * @typedef {import('./blame.js').Note} Note
 * @typedef {(this: any, ...args: any[]) => any} Call
 */

/** Milliseconds from which on a call is noted: below it does not matter to a stall, and many short ones would take memory. */
const LONG = 1
/** Most notes that are kept. */
const MOST = 100_000
const BUILTIN = {
  zlib: /Sync$/,
  crypto: /^(?:pbkdf2|scrypt|hkdf|generateKeyPair|generatePrime|checkPrime)Sync$/,
  child_process: /Sync$/,
}

/**
 * @param {() => number} now
 * @returns {Note[]} which grows
 */
function watchNatives(now) {
  /** @type {Note[]} */
  const notes = []
  /** @param {string} name @param {string} file @param {Function} original */
  const watched = (name, file, original) =>
    // A Proxy has all that the function has, and `new` passes by.
    new Proxy(original, {
      apply: function call(target, self, args) {
        const start = now()
        try {
          return Reflect.apply(target, self, args)
        } finally {
          const end = now()
          if (end - start >= LONG && notes.length < MOST) notes.push({ name, file, start, end, caller: callerOf(call) })
        }
      },
    })
  watch(JSON, /^(?:parse|stringify)$/, (name, original) => watched(`JSON.${name}`, '', original))
  for (const [module, names] of Object.entries(BUILTIN)) {
    watch(require(`node:${module}`), names, (name, original) => watched(`${module}.${name}`, '', original))
  }
  // For `import { gzipSync } from 'node:zlib'`.
  require('node:module').syncBuiltinESMExports()
  watchAddons(watched)
  return notes
}

/**
 * Functions of addons that are loaded from now on, but for our own, and for classes.
 * @param {(name: string, file: string, original: Function) => Function} watched
 */
function watchAddons(watched) {
  const dlopen = /** @type {any} */ (process.dlopen)
  /** @type {any} */
  const process_ = process
  process_.dlopen = function (/** @type {any} */ module, /** @type {string} */ file, /** @type {any[]} */ ...rest) {
    const result = dlopen.call(this, module, file, ...rest)
    const isOurs = /heavy-load/.test(file.slice(Math.max(0, file.lastIndexOf('node_modules'))))
    const { exports } = module
    if (!isOurs && exports !== null && typeof exports === 'object') {
      watch(exports, /^[a-z]/, (name, original) => watched(name, file, original))
    }
    return result
  }
}

/**
 * @param {any} object
 * @param {RegExp} names of its functions
 * @param {(name: string, original: Function) => Function} watched
 */
function watch(object, names, watched) {
  for (const name of Object.keys(Object.getOwnPropertyDescriptors(object))) {
    const { value, writable } = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(object, name))
    if (typeof value !== 'function' || !names.test(name) || !writable) continue
    object[name] = watched(name, value)
  }
}

/**
 * Where the call stands, by V8's own stack: an application may have its own way to write one.
 * @param {Function} call
 */
function callerOf(call) {
  const { prepareStackTrace, stackTraceLimit } = Error
  try {
    /** @type {{ stack?: NodeJS.CallSite[] }} */
    const holder = {}
    Error.stackTraceLimit = 32
    Error.prepareStackTrace = (_, sites) => sites
    Error.captureStackTrace(holder, call)
    const sites = holder.stack ?? []
    const site = sites.find((site) => isOfUser(site.getFileName())) ?? sites[0]
    if (site === undefined) return null
    const file = fileOf(site.getFileName() ?? '')
    return { function: site.getFunctionName() ?? '(anonymous)', file, line: site.getLineNumber() ?? 0 }
  } catch {
    return null
  } finally {
    Error.prepareStackTrace = prepareStackTrace
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** @param {string | null | undefined} file */
function isOfUser(file) {
  return file != null && !file.startsWith('node:') && !/[\\/]node_modules[\\/]/.test(file)
}

module.exports = { watchNatives }
