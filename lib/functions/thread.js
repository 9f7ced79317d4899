'use strict'

/** A worker thread that has a user's module, as its owner sees it. It runs one call at a time. */

const { join } = require('node:path')
const { MessageChannel, Worker, receiveMessageOnPort } = require('node:worker_threads')
const { makeError } = require('../errors.js')
const { adopt } = require('../realm.js')
const { BYTES, PROGRESS, REQUESTS, viewsOf } = require('./memory.js')
const { restoreThrown } = require('./thrown.js')

const FILE = join(__dirname, 'worker.js')

/**
 * Who waits for a call that a thread has been given. One of these is called, once, unless the call is stopped.
 * @typedef {{ succeeded: (value: any) => void, failed: (error: any) => void }} Caller
 *
 * Who has the threads. `loaded`: with the names of the functions; `gone`: it is no more, and it has never been loaded if there is an error.
 * @typedef {{ loaded: (names: string[]) => void, gone: (error: Error | undefined) => void }} Owner
 */

class Thread {
  #worker
  #port
  #counters
  #fractions
  #url
  #owner
  /** @type {Caller | undefined} of the call that it runs */
  #caller
  #isLoaded = false
  /** What it has died of. @type {any} */
  #error
  /** @type {(() => void) | undefined} of the call that it was ended with */
  #onEnd
  /** When it had its last call, by performance.now(). */
  since = 0

  /**
   * @param {string} url of the module
   * @param {{ niceness: number, resourceLimits: any }} settings
   * @param {Owner} owner
   */
  constructor(url, { niceness, resourceLimits }, owner) {
    const memory = new SharedArrayBuffer(BYTES)
    const { port1, port2 } = new MessageChannel()
    const { counters, fractions } = viewsOf(memory)
    this.#counters = counters
    this.#fractions = fractions
    this.#url = url
    this.#owner = owner
    this.#port = port1
    const workerData = { url, port: port2, memory, niceness }
    try {
      this.#worker = new Worker(FILE, { workerData, transferList: [port2], resourceLimits })
    } catch (error) {
      port1.close()
      throw error
    }
    port1.on('message', (message) => this.#take(message))
    port1.on('messageerror', (error) => this.#call()?.failed(error))
    this.#worker.on('error', (error) => {
      this.#error ??= error
    })
    this.#worker.on('exit', (code) => this.#exit(code))
    // What keeps the process alive is the call, not the thread.
    port1.unref()
    this.#worker.unref()
  }

  /**
   * Calls a function of the module. Throws if what it is given cannot be sent.
   * @param {{ name: string, args: any[], progresses: boolean }} call
   * @param {any[]} transferList
   * @param {Caller} caller
   */
  run(call, transferList, caller) {
    if (call.progresses) this.#fractions[PROGRESS] = 0
    this.#port.postMessage(call, transferList)
    this.#caller = caller
    Atomics.add(this.#counters, REQUESTS, 1)
    Atomics.notify(this.#counters, REQUESTS)
  }

  /** How much of its work the function that runs says is done. */
  get progress() {
    return this.#fractions[PROGRESS]
  }

  get isLoaded() {
    return this.#isLoaded
  }

  /** Keeps the process alive until the module is loaded. */
  hold() {
    this.#worker.ref()
  }

  /**
   * Ends the thread, whatever it is doing. Its call hears nothing more.
   * @param {() => void} [onEnd] called when it is no more
   */
  end(onEnd) {
    this.#caller = undefined
    this.#onEnd = onEnd
    this.#worker.terminate()
  }

  /** Who waits for the call that has ended; nobody, if it was stopped meanwhile. */
  #call() {
    const caller = this.#caller
    this.#caller = undefined
    return caller
  }

  /** @param {any} message */
  #take(message) {
    if ('value' in message) this.#call()?.succeeded(adopt(message.value))
    else if ('thrown' in message) this.#call()?.failed(restoreThrown(message.thrown))
    else if ('names' in message) {
      this.#isLoaded = true
      this.#worker.unref()
      this.#owner.loaded(message.names)
    } else {
      this.#error = restoreThrown(message.notLoaded)
      this.#worker.terminate()
    }
  }

  /** @param {number} code */
  #exit(code) {
    // What it has sent last may come after the news of its end.
    for (let last = receiveMessageOnPort(this.#port); last !== undefined; last = receiveMessageOnPort(this.#port)) {
      this.#take(last.message)
    }
    this.#port.close()
    const cause = this.#error ?? ended(this.#url, code)
    const error = this.#isLoaded ? cause : notLoaded(this.#url, cause)
    this.#owner.gone(this.#isLoaded ? undefined : error)
    this.#call()?.failed(error)
    this.#onEnd?.()
  }
}

/**
 * @param {string} url
 * @param {number} code
 */
function ended(url, code) {
  const message = `A function of ${shown(url)} ended its worker thread, with exit code ${code}`
  return makeError('ERR_KERNEL_PANIC', message)
}

/**
 * @param {string} url
 * @param {any} cause
 */
function notLoaded(url, cause) {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return makeError('ERR_MODULE_LOAD', `The module ${shown(url)} cannot be loaded: ${reason}`, { cause })
}

/**
 * As messages show it: a `data:` URL is the whole module.
 * @param {string} url
 */
function shown(url) {
  return url.length > 200 ? `${url.slice(0, 200)}...` : url
}

module.exports = { Thread }
