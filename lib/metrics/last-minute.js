'use strict'

/**
 * Figures over a fixed time, whoever asks and how often: were they over the time since the last question, each of two scrapers would see
 * only a part. Times are in milliseconds, and given by the caller.
 */

/** Longer than most scrapers' interval, so that they miss nothing. */
const WINDOW_MS = 60_000
/** How often the event loop is asked for a turn: how much later it comes is its delay. */
const LOOK_MS = 10
const LOOKS = WINDOW_MS / LOOK_MS
/** How often what has been used is noted. */
const NOTE_MS = 5000

/** How late the event loop was, to each of the turns that were due every 10 ms. */
class Delays {
  #late = new Float64Array(LOOKS)
  /** When that was seen. */
  #seen = new Float64Array(LOOKS)
  #count = 0
  #looked

  /** @param {number} now */
  constructor(now) {
    this.#looked = now
  }

  /**
   * The event loop has its turn. A stall has held up all turns that were due meanwhile, the first of them longest, and each counts: so a
   * stall weighs as much as it was long (which HdrHistogram does against "coordinated omission").
   * @param {number} now
   */
  look(now) {
    const late = Math.max(0, now - this.#looked - LOOK_MS)
    this.#looked = now
    const due = Math.min(LOOKS, Math.floor(late / LOOK_MS) + 1)
    for (let turn = 0; turn < due; turn++) {
      const at = this.#count++ % LOOKS
      this.#late[at] = late - turn * LOOK_MS
      this.#seen[at] = now
    }
  }

  /**
   * What 99 % of the turns were not later than, and the latest; in seconds.
   * @param {number} now
   */
  summary(now) {
    // What holds the look up holds this up too, and belongs here.
    if (now - this.#looked > LOOK_MS) this.look(now)
    const late = this.#late
      .subarray(0, this.#count)
      .filter((_, at) => this.#seen[at] > now - WINDOW_MS)
      .sort()
    const share = (/** @type {number} */ part) => (late[Math.ceil(part * late.length) - 1] ?? 0) / 1e3
    return { p99: share(0.99), max: share(1) }
  }
}

/** The share of what a pool could have used that it has used. */
class Share {
  /** The first is from when the window began, or before. */
  #notes

  /** @param {number} now */
  constructor(now) {
    this.#notes = [{ at: now, used: 0, had: 0 }]
  }

  /**
   * @param {number} now
   * @param {{ used: number, had: number }} soFar
   */
  note(now, { used, had }) {
    this.#notes.push({ at: now, used, had })
    this.#forget(now)
  }

  /**
   * @param {number} now
   * @param {{ used: number, had: number }} soFar
   */
  ratio(now, { used, had }) {
    this.#forget(now)
    const [began] = this.#notes
    return had > began.had ? Math.min(1, Math.max(0, (used - began.used) / (had - began.had))) : 0
  }

  /** @param {number} now */
  #forget(now) {
    while (this.#notes.length > 1 && this.#notes[1].at <= now - WINDOW_MS) this.#notes.shift()
  }
}

module.exports = { Delays, LOOK_MS, NOTE_MS, Share }
