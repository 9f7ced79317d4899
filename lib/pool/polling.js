'use strict'

/**
 * Whether the event loop polls for completions. A wake-up of a sleeping event loop costs more than a short task takes. So while the
 * tasks that end are short, and a thread is awake that takes the next one up at once, whoever submits it polls: the event loop turns
 * without sleeping, I/O included, for as long as such a task takes to come back. Ski rental: at worst this costs about what the
 * wake-up would have. Where it is in vain it is tried more and more rarely.
 */

const { performance, setImmediate } = require('../host.js')

/** How long the event loop polls for a completion, at most: about what its being woken would cost. */
const POLL_MS = 0.05
/** After so many polls in vain in a row, the number of submissions that do without stops doubling. */
const MOST_DOUBLINGS = 6

class Polling {
  /** Pool tasks whose completion has not arrived. */
  inFlight = 0
  /** Milliseconds from call to end of the task that ended last. */
  lastSojourn = 0
  /** Whether the event loop polls now. */
  isOn = false
  /** Whether the runtime's own setImmediate was there to be taken: a fake one may never call back. */
  hasImmediate = false
  #until = 0
  #inVain = 0
  #toSkip = 0
  #poll = () => this.#turn()
  #settle
  #end

  /**
   * @param {(stay: boolean) => number} settle settles what has completed, and says how many; whether more is waited for awake
   * @param {() => void} end settles what has completed since, and has the event loop be woken by the next
   */
  constructor(settle, end) {
    this.#settle = settle
    this.#end = end
    setImmediate(() => {
      this.hasImmediate = true
    })?.unref?.()
  }

  /** Whether a task that is submitted now may be polled for. */
  may() {
    if (this.isOn || this.lastSojourn > POLL_MS || !this.hasImmediate) return false
    if (this.#toSkip === 0) return true
    this.#toSkip--
    return false
  }

  /** The instance stays awake until this has ended. */
  start() {
    this.isOn = true
    this.#until = 0
    setImmediate(this.#poll)
  }

  #turn() {
    if (this.#settle(true) > 0) {
      this.#inVain = 0
      this.#until = 0
      this.isOn = this.inFlight > 0
    } else {
      const now = performance.now()
      if (this.#until === 0) this.#until = now + POLL_MS
      this.isOn = now < this.#until
      if (!this.isOn) this.#toSkip = 2 ** Math.min(++this.#inVain, MOST_DOUBLINGS)
    }
    if (this.isOn) setImmediate(this.#poll)
    else this.#end()
  }
}

module.exports = { Polling }
