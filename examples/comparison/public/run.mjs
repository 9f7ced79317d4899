// A run: N heavy requests to one strategy, and what was measured meanwhile.
import { heavy } from './heavy.mjs'
import { latencies, next, on } from './samples.mjs'

/** A browser opens six connections to one server; /fast and /live need one each, or they would wait for the heavy ones. */
const AT_ONCE = 4

export class Run {
  /** Each request: { number, state, fraction, ms }; `state` is waiting, running, done, cancelled, failed or unsent. */
  requests
  start = performance.now()
  end = Infinity
  /** The first error. If it is a refusal, it has ended the run: this strategy is not to be had. */
  problem = null
  refused = null
  #taken = []
  #peakMiB = 0
  #aborts = new Map()
  #onChange
  #listening = new AbortController()

  constructor({ strategy, amount, count, onChange }) {
    this.strategy = strategy
    this.amount = amount
    this.#onChange = onChange
    this.requests = Array.from({ length: count }, (_, i) => ({
      number: i + 1,
      state: 'waiting',
      fraction: 0,
    }))
    const { signal } = this.#listening
    // One that was sent before the end feels the run, however late it comes back.
    on('fast', (sample) => sample.ok && sample.start < this.end && this.#taken.push(sample), { signal })
    on('live', ({ memoryMiB }) => (this.#peakMiB = Math.max(this.#peakMiB, memoryMiB)), { signal })
  }

  /** Until all have ended, and with them what was measured. */
  async done() {
    const queue = this.requests.values()
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.#sendFrom(queue)))
    this.end = performance.now()
    // The last /fast may still wait, and a loop that was blocked has told nothing so far.
    const { ok } = await next('fast')
    if (ok) await next('live')
    this.#listening.abort()
  }

  /** Requests in this state. */
  count(state) {
    return this.requests.filter((request) => request.state === state).length
  }

  cancel(request) {
    if (request.state === 'waiting') this.#settle(request, 'cancelled')
    else this.#aborts.get(request)?.abort()
  }

  cancelAll() {
    for (const request of this.requests) this.cancel(request)
  }

  result() {
    const done = this.count('done')
    const sorted = latencies(this.#taken)
    const rank = (share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null
    return {
      strategy: this.strategy.name,
      amount: this.amount,
      count: this.requests.length,
      done,
      perSecond: done / ((this.end - this.start) / 1000),
      fast: { p50: rank(0.5), p99: rank(0.99), max: rank(1) },
      peakMiB: this.#peakMiB || null,
    }
  }

  async #sendFrom(queue) {
    for (const request of queue) {
      if (request.state !== 'waiting') continue
      if (this.refused === null) await this.#send(request)
      else this.#settle(request, 'unsent')
    }
  }

  async #send(request) {
    const abort = new AbortController()
    this.#aborts.set(request, abort)
    this.#settle(request, 'running')
    const onProgress = (fraction) => {
      request.fraction = fraction
      this.#onChange(request)
    }
    try {
      const { ms } = await heavy(this.strategy.route, this.amount, { signal: abort.signal, onProgress })
      request.ms = ms
      this.#settle(request, 'done')
    } catch (error) {
      if (!abort.signal.aborted) this.#fail(error)
      this.#settle(request, abort.signal.aborted ? 'cancelled' : 'failed')
    }
    this.#aborts.delete(request)
  }

  #fail(error) {
    this.problem ??= error
    if (error.code === 'ERR_STRATEGY_UNAVAILABLE') this.refused ??= error
  }

  #settle(request, state) {
    request.state = state
    this.#onChange(request)
  }
}
