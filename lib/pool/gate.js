'use strict'

/** `pool.gate`: an async function of the caller's as a task of the pool. */

const { AbortController, Context, throwApart } = require('../host.js')
const { kindOf } = require('./external.js')

/** How it is called in errors and metrics. */
const GATE = kindOf('gate')

/** @typedef {import('./external.js').Work} Work */

/** @implements {Work} */
class Gate {
  isForeign = true
  #fn
  #context = new Context('heavy-load.gate')
  /** @type {AbortController | undefined} made when the function asks for its signal */
  #controller
  /** @type {(() => unknown) | undefined} */
  #why

  /** @param {(task: { signal: AbortSignal }) => any} fn */
  constructor(fn) {
    this.#fn = fn
  }

  /** @param {import('./external.js').External} task */
  async begin(task) {
    const signalOf = () => this.#signal()
    const given = {
      get signal() {
        return signalOf()
      },
    }
    try {
      task.succeed(await this.#context.runInAsyncScope(this.#fn, undefined, given))
    } catch (error) {
      task.failed(error)
    }
    task.done()
  }

  /** @param {() => unknown} why */
  stop(why) {
    this.#why = why
    try {
      this.#controller?.abort(why())
    } catch (error) {
      throwApart(error)
    }
  }

  #signal() {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#why !== undefined) this.#controller.abort(this.#why())
    }
    return this.#controller.signal
  }
}

module.exports = { GATE, Gate }
