'use strict'

/**
 * A stream of bytes, on its way into a task piece by piece. To its caller that is one task: one promise, counted and reported once, with one
 * signal and one timeout. The pool sees a task for each piece, over a state that the addon keeps (crates/kernel/src/fold.rs): so a stream that has
 * nothing to give takes nothing of the pool.
 *
 * Invariants:
 * 1. At most one piece is at the pool. What comes meanwhile is copied into a buffer that no piece stands on, up to `MOST_BYTES` bytes; then
 *    the stream is asked for no more.
 * 2. The first piece is empty, and goes when the call is made: a call that is refused has not touched its stream.
 * 3. Rooms, and bytes that may be a frozen buffer's, are touched by views.js alone: nobody else may come to have them.
 * 4. When the task is settled, the stream is let go; if no piece is at the pool then, the task leaves at once, else with the piece.
 */

const { bytesIn } = require('../buffers.js')
const { invalidType, makeError } = require('../errors.js')
const { clearTimeout, performance, setImmediate, setTimeout } = require('../host.js')
const { constants } = require('../native.js')
const { LONGEST_TIMER_MS } = require('../options.js')
const { Source } = require('../source.js')
const { copyInto, lengthOf, part: partOf, zeros } = require('../views.js')

/** Bytes that are gathered for a piece at most: some milliseconds of work. */
const MOST_BYTES = 2 ** 20
/** Bytes for which there is room at first. */
const LEAST_BYTES = 2 ** 14
const NOTHING = zeros(0)
/** How long a stream that always has something may keep all else from its turn, in milliseconds. */
const TURN_MS = 10
const { first: FIRST, middle: MIDDLE, last: LAST } = constants.part

/**
 * What it belongs to.
 * @typedef {{
 *   settled: boolean, breakOff: (error: unknown) => void, end: (waited: number, ran: number) => void
 * }} Fed
 */

class Feed {
  /** Whether the piece at the pool, or the one that has ended, is the last. */
  isLast = false
  /** Milliseconds that the pieces have waited and run, all together. */
  waited = 0
  ran = 0
  #input
  #submit
  /** @type {Fed} */
  #task
  /** @type {Source | undefined} none before the first piece was taken */
  #source
  #busy = false
  #sentAt = 0
  /** When pulls began that have let nothing else have its turn, by performance.now(). @type {number | undefined} */
  #turnSince
  /** Whether that took too long. */
  #waitsForTurn = false
  /** What is gathered, and the room for it. */
  #gathered = 0
  #room = NOTHING
  /** The room that the piece at the pool stands on, or stood on. */
  #other = NOTHING
  /**
   * Of what the stream has given, what there was no room for.
   * @type {Uint8Array | undefined}
   */
  #rest
  #restLength = 0
  #timeout
  /**
   * A task keeps the process alive until its time is over; between two pieces there is nothing else that would.
   * @type {NodeJS.Timeout | undefined}
   */
  #alive

  /**
   * @param {any} input
   * @param {number} timeout the task's, in milliseconds
   * @param {Fed} task
   * @param {(piece: Uint8Array, part: number, ran: number) => void} submit throws if that is refused
   */
  constructor(input, timeout, task, submit) {
    this.#input = input
    this.#timeout = timeout
    this.#task = task
    this.#submit = submit
  }

  /** Sends the first piece. Throws if it is refused. */
  enter() {
    this.#send(NOTHING, FIRST)
  }

  /** Begins to read. */
  begin() {
    try {
      this.#source = new Source(this.#input)
    } catch (error) {
      this.#task.breakOff(error)
      return
    }
    if (this.#task.settled) {
      // Its own code has ended the task while it was opened.
      this.#source.close().catch(() => {})
      return
    }
    if (this.#timeout <= LONGEST_TIMER_MS) this.#alive = setTimeout(() => {}, LONGEST_TIMER_MS)
    this.#go()
  }

  /**
   * A piece has ended well; there is more to come unless it was the last.
   * @param {number} waited
   * @param {number} ran
   */
  goOn(waited, ran) {
    this.measured(waited, ran)
    this.#busy = false
    this.#go()
    // A stream that has nothing to give for long takes no memory meanwhile.
    if (!this.#busy && this.#gathered === 0) {
      this.#room = NOTHING
      this.#other = NOTHING
    }
  }

  /**
   * A piece has ended.
   * @param {number} waited
   * @param {number} ran
   */
  measured(waited, ran) {
    this.waited += waited
    this.ran += ran
  }

  /**
   * What the pieces have waited and run by now.
   * @param {number} waited what the one at the pool had waited when it began; negative if it has not begun, or there is none
   * @returns {[number, number]}
   */
  times(waited) {
    if (!this.#busy) return [this.waited, this.ran]
    const all = performance.now() - this.#sentAt
    return waited < 0 ? [this.waited + all, this.ran] : [this.waited + waited, this.ran + all - waited]
  }

  /** The task is settled. */
  stop() {
    this.#rest = undefined
    this.#room = NOTHING
    try {
      clearTimeout(this.#alive)
      this.#source?.close().catch(() => {})
    } finally {
      if (!this.#busy) this.#task.end(this.waited, this.ran)
    }
  }

  /** Does what can be done now: sends a piece if there is none at the pool, and asks for more as long as there is room. */
  #go() {
    for (;;) {
      if (this.#task.settled || this.isLast) return
      const rest = this.#rest
      // Its giver may have taken it away meanwhile: that is no end of it.
      if (rest !== undefined) this.#take(() => (lengthOf(rest) === this.#restLength ? rest : bytesOf(rest)))
      if (this.#task.settled) return
      const source = /** @type {Source} */ (this.#source)
      const isAll = source.exhausted && this.#rest === undefined
      if (!this.#busy && (this.#gathered > 0 || isAll)) {
        if (!this.#sendGathered(isAll ? LAST : MIDDLE)) return
      } else if (this.#rest === undefined && this.#gathered < MOST_BYTES && source.ready) {
        source.pull(
          (chunk) => this.#take(() => bytesOf(chunk)),
          (error) => this.#task.breakOff(error),
          () => this.#next(),
        )
        if (!source.ready && !source.exhausted) return
      } else {
        return
      }
    }
  }

  /**
   * A pull has ended. Of a source that always has something the next would end in a microtask, too, and nothing else would have its turn:
   * timers, other requests.
   */
  #next() {
    const now = performance.now()
    if (this.#turnSince === undefined) {
      this.#turnSince = now
      setImmediate(() => {
        this.#turnSince = undefined
        if (this.#waitsForTurn) {
          this.#waitsForTurn = false
          this.#go()
        }
      })
    }
    this.#waitsForTurn = this.#turnSince !== undefined && now - this.#turnSince > TURN_MS
    if (!this.#waitsForTurn) this.#go()
  }

  /** @param {() => Uint8Array} bytes throws if they are none */
  #take(bytes) {
    try {
      this.#gather(bytes())
    } catch (error) {
      this.#task.breakOff(error)
    }
  }

  /**
   * Copies what there is room for: whoever has given it may write it again.
   * @param {Uint8Array} bytes
   */
  #gather(bytes) {
    const given = lengthOf(bytes)
    const wanted = Math.min(this.#gathered + given, MOST_BYTES)
    const size = lengthOf(this.#room)
    if (wanted > size) {
      const room = roomFor(Math.min(MOST_BYTES, Math.max(LEAST_BYTES, 2 * size, wanted)))
      copyInto(room, 0, partOf(this.#room, 0, this.#gathered))
      this.#room = room
    }
    const taken = wanted - this.#gathered
    copyInto(this.#room, this.#gathered, taken === given ? bytes : partOf(bytes, 0, taken))
    this.#gathered = wanted
    this.#restLength = given - taken
    this.#rest = taken < given ? partOf(bytes, taken, given) : undefined
  }

  /**
   * @param {number} part
   * @returns {boolean} whether it was taken
   */
  #sendGathered(part) {
    const piece = partOf(this.#room, 0, this.#gathered)
    const other = this.#other
    this.#other = this.#room
    this.#room = other
    this.#gathered = 0
    try {
      this.#send(piece, part)
      return true
    } catch (failure) {
      this.#task.breakOff(failure)
      return false
    }
  }

  /**
   * @param {Uint8Array} piece
   * @param {number} part
   */
  #send(piece, part) {
    this.#submit(piece, part, this.ran)
    this.isLast = part === LAST
    this.#busy = true
    this.#sentAt = performance.now()
  }
}

/** @param {number} size in bytes */
function roomFor(size) {
  try {
    return zeros(size)
  } catch (cause) {
    throw makeError('ERR_OUT_OF_MEMORY', `There is not enough memory: ${size} more bytes are needed`, { cause })
  }
}

/** @param {any} chunk */
function bytesOf(chunk) {
  const bytes = bytesIn(chunk, 'chunk')
  if (bytes !== undefined) return bytes
  const expected = 'an instance of Buffer, TypedArray, DataView, ArrayBuffer, SharedArrayBuffer or FrozenBuffer'
  throw invalidType('chunk', expected, chunk)
}

module.exports = { Feed }
