'use strict'

const { invalidType, makeError } = require('./errors.js')
const { AbortController } = require('./host.js')
const { integer, taskSettings } = require('./options.js')
const signals = require('./signals.js')

/**
 * Runs a kernel over many inputs with back-pressure: at most `concurrency` inputs have been pulled whose results have not
 * been consumed. Leaving the loop, by whatever way, cancels what is left and closes the source.
 * @param {{ run: Function, threads?: number }} pool
 * @param {any} kernel
 * @param {any} inputs
 * @param {any} [options]
 * @returns {AsyncGenerator<{ index: number, value: any }, void>}
 */
async function* map(pool, kernel, inputs, options = {}) {
  taskSettings(options)
  const { concurrency, ordered = true } = options
  if (concurrency !== undefined) integer('options.concurrency', concurrency, 1, 2 ** 32)
  if (typeof ordered !== 'boolean') throw invalidType('options.ordered', 'of type boolean', ordered)
  const source = new Source(inputs)
  const rest = new AbortController()
  const signal = options.signal === undefined ? rest.signal : AbortSignal.any([options.signal, rest.signal])
  const taskOptions = { ...options, signal }

  const results = ordered ? new InOrder() : new AsTheyFinish()
  /**
   * Inputs that the pool had no place for. One of them is tried again whenever a task of ours has ended.
   * @type {{ index: number, input: any }[]}
   */
  const refused = []
  let pulled = 0
  let consumed = 0
  let running = 0
  /** @type {{ error: unknown } | undefined} */
  let failure
  let wake = () => {}

  /** @param {unknown} error */
  const fail = (error) => {
    failure ??= { error }
    wake()
  }

  /**
   * @param {number} index
   * @param {any} input
   */
  const start = (index, input) => {
    running++
    pool.run(kernel, input, taskOptions).then(
      (/** @type {any} */ value) => {
        running--
        results.add({ index, value })
        const again = refused.shift()
        if (again !== undefined) start(again.index, again.input)
        wake()
      },
      (/** @type {any} */ error) => {
        running--
        // With none of ours running, the pool is full of others' tasks, and we would not know when to try again.
        if (error?.code === 'ERR_POOL_OVERLOADED' && running > 0) refused.push({ index, input })
        else fail(error)
      },
    )
  }

  /** The source may have nothing to give for long: an abort does not wait for it. */
  const watcher = {
    /** @param {unknown} reason */
    abort: (reason) => fail(makeError('ABORT_ERR', 'The operation was aborted', { cause: reason })),
  }
  if (options.signal?.aborted) watcher.abort(options.signal.reason)
  else if (options.signal !== undefined) signals.watch(options.signal, watcher)

  const fill = () => {
    // Of a remote pool, workers come and go.
    const most = concurrency ?? Math.max(16, 4 * (pool.threads ?? 0))
    while (pulled - consumed < most && refused.length === 0 && failure === undefined && source.ready) {
      source.pull(
        (input) => start(pulled++, input),
        fail,
        () => wake(),
      )
    }
  }

  try {
    for (;;) {
      fill()
      if (failure !== undefined) throw failure.error
      const result = results.take()
      if (result !== undefined) {
        consumed++
        yield result
      } else if (source.exhausted && consumed === pulled) {
        return
      } else {
        await new Promise((resolve) => {
          wake = () => resolve(undefined)
        })
      }
    }
  } finally {
    if (options.signal !== undefined) signals.unwatch(options.signal, watcher)
    if (running > 0) rest.abort()
    await source.close()
  }
}

/** Inputs, from an iterable or an async iterable. */
class Source {
  exhausted = false
  /** Whether `pull` may be called: not while an asynchronous one is under way. */
  ready = true
  #iterator

  /** @param {any} inputs */
  constructor(inputs) {
    const method = inputs?.[Symbol.asyncIterator] ?? inputs?.[Symbol.iterator]
    if (typeof method !== 'function') throw invalidType('inputs', 'an iterable or an async iterable', inputs)
    this.#iterator = method.call(inputs)
  }

  /**
   * @param {(input: any) => void} accept
   * @param {(error: unknown) => void} fail
   * @param {() => void} settled called when an asynchronous pull has ended
   */
  pull(accept, fail, settled) {
    /** @param {any} step */
    const take = ({ done, value }) => {
      if (done) this.#end()
      else accept(value)
    }
    /** @param {unknown} error */
    const broken = (error) => {
      // An iterator that threw is over; it is not closed.
      this.#end()
      fail(error)
    }
    try {
      const step = this.#iterator.next()
      if (typeof step?.then !== 'function') {
        take(step)
        return
      }
      this.ready = false
      step
        .then((/** @type {any} */ result) => {
          this.ready = !this.exhausted
          take(result)
        })
        .then(settled, broken)
    } catch (error) {
      broken(error)
    }
  }

  async close() {
    if (this.exhausted) return
    this.#end()
    await this.#iterator.return?.()
  }

  #end() {
    this.exhausted = true
    this.ready = false
  }
}

/** Results by index: given only in turn. */
class InOrder {
  #results = new Map()
  #next = 0

  /** @param {{ index: number, value: any }} result */
  add(result) {
    this.#results.set(result.index, result)
  }

  take() {
    const result = this.#results.get(this.#next)
    if (result !== undefined) this.#results.delete(this.#next++)
    return result
  }
}

/** Results in the order in which they came. */
class AsTheyFinish {
  /** @type {{ index: number, value: any }[]} */
  #results = []
  #at = 0

  /** @param {{ index: number, value: any }} result */
  add(result) {
    this.#results.push(result)
  }

  take() {
    if (this.#at === this.#results.length) {
      this.#results = []
      this.#at = 0
      return undefined
    }
    return this.#results[this.#at++]
  }
}

module.exports = { map }
