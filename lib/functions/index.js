'use strict'

/** `loadFunctions`: the exports of a module of the user's own, each callable as a task of a pool, on worker threads that its budget counts. */

const { basename, isAbsolute } = require('node:path')
const { pathToFileURL } = require('node:url')
const { isArrayBuffer } = require('node:util').types
const { invalidType, invalidValue } = require('../errors.js')
const { structuredClone } = require('../host.js')
const { object, positive, refuseUnknown } = require('../options.js')
const { kindOf } = require('../pool/external.js')
const { defaultPool, runExternal } = require('../pool/index.js')
const { Threads } = require('./threads.js')

const OPTIONS = new Set(['pool', 'idleTimeout', 'resourceLimits'])
/** What a call takes beside the options of every task. */
const CALL_OPTIONS = new Set(['memory', 'onProgress', 'transferList'])
const IDLE_TIMEOUT = 10_000

/**
 * @param {any} url
 * @param {any} [options]
 * @returns {Promise<Record<string, (args: any[], options?: any) => Promise<any>>>}
 */
async function loadFunctions(url, options = {}) {
  const href = hrefOf(url)
  refuseUnknown('options', options, OPTIONS)
  const { pool = defaultPool, idleTimeout = IDLE_TIMEOUT, resourceLimits } = options
  if (typeof pool?.[runExternal] !== 'function') throw invalidType('options.pool', 'an instance of Pool', pool)
  positive('options.idleTimeout', idleTimeout)
  if (resourceLimits !== undefined) object('options.resourceLimits', resourceLimits)
  const threads = new Threads(href, { pool, idleTimeout, resourceLimits })
  const names = await threads.load()
  return Object.fromEntries(names.map((name) => [name, callable(threads, pool, href, name)]))
}

/**
 * @param {Threads} threads
 * @param {any} pool
 * @param {string} href
 * @param {string} name
 */
function callable(threads, pool, href, name) {
  const kind = { ...kindOf(`${href}#${name}`), name: `${shortOf(href)}#${name}` }
  /**
   * @param {any[]} args
   * @param {any} [options]
   */
  const call = (args, options) => {
    // Here, before the options: who writes it as a plain call has something else in their place.
    if (!Array.isArray(args)) {
      return Promise.reject(invalidType('args', `an array of the function's arguments: ${name}([...], options)`, args))
    }
    return pool[runExternal](
      kind,
      options,
      CALL_OPTIONS,
      (/** @type {any} */ options) => new Call(threads, name, args, options),
    )
  }
  Object.defineProperty(call, 'name', { value: name, configurable: true })
  return call
}

/** @type {any} */
const NO_OPTIONS = {}

/** @typedef {import('../pool/external.js').Work} Work */
/** @typedef {import('./thread.js').Caller} Caller */

/**
 * @implements {Work}
 * @implements {Caller}
 */
class Call {
  isForeign = false
  #threads
  #name
  #args
  #transferList
  #progresses
  /** @type {import('../pool/external.js').External | undefined} once it has begun */
  #task
  /** @type {import('./thread.js').Thread | undefined} while it runs */
  #thread

  /**
   * @param {Threads} threads
   * @param {string} name
   * @param {any} args
   * @param {any} options
   */
  constructor(threads, name, args, { transferList = [], onProgress } = NO_OPTIONS) {
    if (!Array.isArray(transferList)) throw invalidType('options.transferList', 'an instance of Array', transferList)
    this.#threads = threads
    this.#name = name
    this.#args = args
    this.#transferList = transferList
    this.#progresses = onProgress !== undefined
  }

  /** Takes the arguments as they are now: whoever called may change them before the task begins. */
  take() {
    if (this.#transferList.length === 0 && this.#args.every(isPrimitive)) {
      this.#args = [...this.#args]
      return
    }
    const both = [this.#args, this.#transferList]
    const [args, transferList] = structuredClone(both, { transfer: this.#transferList })
    // Nobody else has these, so they need no second copy on their way to the thread.
    const buffers = args
      .map((/** @type {any} */ arg) => (ArrayBuffer.isView(arg) ? arg.buffer : arg))
      .filter(isArrayBuffer)
    this.#args = args
    this.#transferList = [...new Set([...transferList, ...buffers])]
  }

  /** @param {import('../pool/external.js').External} task */
  begin(task) {
    this.#task = task
    const call = { name: this.#name, args: this.#args, progresses: this.#progresses }
    try {
      this.#thread = this.#threads.take()
      this.#thread.run(call, this.#transferList, this)
    } catch (error) {
      this.failed(error)
    }
  }

  /** @param {() => unknown} _why */
  stop(_why) {
    const [task, thread] = [this.#task, this.#thread]
    this.#thread = undefined
    if (thread !== undefined) this.#threads.end(thread, () => task?.done())
  }

  progress() {
    return this.#thread?.progress ?? 0
  }

  /** @param {any} value */
  succeeded(value) {
    this.#task?.succeed(value)
    this.#end()
  }

  /** @param {any} error */
  failed(error) {
    this.#task?.failed(error)
    this.#end()
  }

  #end() {
    const thread = this.#thread
    this.#thread = undefined
    if (thread !== undefined) this.#threads.free(thread)
    this.#task?.done()
  }
}

/** @param {unknown} value */
function isPrimitive(value) {
  return (typeof value !== 'object' && typeof value !== 'function') || value === null
}

/**
 * @param {any} url
 * @returns {string}
 */
function hrefOf(url) {
  const text = typeof url === 'string' ? url : url?.href
  if (typeof text !== 'string') throw invalidType('url', 'of type string or an instance of URL', url)
  if (typeof url === 'string' && isAbsolute(url)) return pathToFileURL(url).href
  if (!URL.canParse(text)) {
    throw invalidValue(
      'url',
      "must be a URL, such as new URL('./functions.mjs', import.meta.url), or an absolute path",
      url,
    )
  }
  return text
}

/**
 * A module's name in metrics and messages: that of its file.
 * @param {string} href
 */
function shortOf(href) {
  const { protocol, pathname } = new URL(href)
  return protocol === 'data:' ? protocol : decodeURIComponent(basename(pathname))
}

module.exports = { loadFunctions }
