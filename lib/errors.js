'use strict'

const { join } = require('node:path')
const { inspect } = require('node:util')
const { constants, isFailure } = require('./native.js')

/**
 * What the addon throws: the data of an error, without a stack.
 * @typedef {{ code: string, message: string, retryAfter?: number | null, ofCall: boolean }} Failure
 */

/**
 * By this, errors of ours are known from others that have the same code: Node uses ERR_INVALID_ARG_VALUE too. Registered, so that two
 * copies of the package know each other's. Its value says whose mistake an argument error is about.
 */
const BRAND = Symbol.for('heavy-load.error')

/**
 * By this, pools and frozen buffers say of which copy of the package they are: copies have memory, tasks and plug-ins each of its own. Of what
 * a copy cannot use, its message says so: the classes have the same names.
 */
const OF_COPY = Symbol.for('heavy-load.copy')
/** An object: files that are loaded once more, as test runners do, are another copy in the same folder. */
const THIS_COPY = { folder: join(__dirname, '..') }

/**
 * `input`: what the kernel was given, its own options included, which a server may have from its client. `call`: all that whoever wrote
 * the call has chosen: a task's options, a pool's, the environment's, and how memory is handed over: twice, detached, of a stream that was
 * read from. Errors that are nobody's mistake have `call`, too.
 * @typedef {'input' | 'call'} Fault
 */

/** In a message of an argument error, what comes before the value that was received. */
const RECEIVED = ' Received '
/** What is said where bytes were expected, and text was received. */
const TEXT_FOR_BYTES = /^The "\w+" argument must be an instance of Buffer.*? Received type string /

/** Characters of a value that a message shows. */
const LONGEST_SHOWN = constants.longestShown

const { defineProperty, keys, setPrototypeOf } = Object

/** An error of heavy-load's own. Match on `code`, which is stable, rather than on the class or the message. */
class HeavyLoadError extends Error {
  /** Defined as a field is, whatever errors inherit. @type {string} */
  code

  /**
   * @param {string} code
   * @param {string} message
   * @param {ErrorOptions} [options]
   */
  constructor(code, message, options) {
    super(message, options)
    this.code = code
    brand(this, 'call')
  }
}
class AbortError extends HeavyLoadError {}
class TimeoutError extends HeavyLoadError {}
// As the language's own errors have it: of the prototype, and not enumerable.
for (const [name, { prototype }] of Object.entries({ HeavyLoadError, AbortError, TimeoutError })) {
  defineProperty(prototype, 'name', defined({ value: name, writable: true, configurable: true }))
}

/**
 * What differs by code. `Class`: of its errors. `status`: what HTTP answers (RFC 9110, 15.5 and 15.6); none if the error is not ours to
 * answer. `outcome`: how its task is counted; 'failed' if nothing is said. `elsewhere`: whether a task that failed so on one worker is to be
 * tried on others: 'never', for it would fail there, too; 'uncounted', for this worker alone cannot do it; as one of the task's attempts if
 * nothing is said. `ofInput`: it says that something that was given is wrong, which is the client's mistake only if that was the input.
 * @typedef {object} CodeFacts
 * @property {typeof HeavyLoadError | TypeErrorConstructor | RangeErrorConstructor} Class
 * @property {number} [status]
 * @property {'cancelled' | 'rejected' | 'timed_out'} [outcome]
 * @property {'never' | 'uncounted'} [elsewhere]
 * @property {true} [ofInput]
 */

/**
 * Every code. Those of the addon are born in crates/kernel/src/error.rs.
 * @satisfies {Record<string, CodeFacts>}
 */
const CODES = /** @type {const} */ ({
  ERR_INVALID_ARG_TYPE: { Class: TypeError, status: 400, elsewhere: 'never', ofInput: true },
  ERR_INVALID_ARG_VALUE: { Class: TypeError, status: 400, elsewhere: 'never', ofInput: true },
  ERR_OUT_OF_RANGE: { Class: RangeError, status: 400, elsewhere: 'never', ofInput: true },
  ERR_INVALID_DATA: { Class: HeavyLoadError, status: 400, elsewhere: 'never', ofInput: true },
  ERR_OUTPUT_TOO_LARGE: { Class: HeavyLoadError, status: 413, elsewhere: 'never', ofInput: true },
  ABORT_ERR: { Class: AbortError, outcome: 'cancelled' },
  ERR_TASK_TIMEOUT: { Class: TimeoutError, status: 504, outcome: 'timed_out', elsewhere: 'never' },
  ERR_POOL_OVERLOADED: { Class: HeavyLoadError, status: 503, outcome: 'rejected', elsewhere: 'uncounted' },
  ERR_POOL_CLOSED: { Class: HeavyLoadError, status: 503, outcome: 'cancelled', elsewhere: 'uncounted' },
  ERR_KERNEL_PANIC: { Class: HeavyLoadError },
  ERR_UNKNOWN_KERNEL: { Class: HeavyLoadError, elsewhere: 'uncounted' },
  ERR_MODULE_LOAD: { Class: HeavyLoadError },
  ERR_BUFFER_IN_USE: { Class: HeavyLoadError },
  ERR_OUT_OF_MEMORY: { Class: RangeError, status: 503 },
  ERR_REMOTE: { Class: HeavyLoadError, status: 503 },
  ERR_PLUGIN_LOAD: { Class: HeavyLoadError },
})
for (const facts of Object.values(CODES)) setPrototypeOf(facts, null)
/** @typedef {keyof typeof CODES} Code */

/**
 * What is known of a code, whoever has said it.
 * @param {unknown} code
 * @returns {CodeFacts | undefined}
 */
function factsOf(code) {
  return typeof code === 'string' && Object.hasOwn(CODES, code) ? CODES[/** @type {Code} */ (code)] : undefined
}

/**
 * Makes a real error of a failure of the addon's; passes on what is none, such as an error of the caller's own code, whatever that
 * looks like.
 * @param {any} failure
 * @param {Fault} fault
 * @param {ErrorOptions} [options]
 * @returns {any}
 */
function toError(failure, fault, options) {
  if (!isFailure(failure)) return failure
  const { code, message, retryAfter, ofCall } = /** @type {Failure} */ (failure)
  const hint = TEXT_FOR_BYTES.test(message) ? '. Buffer.from(text) makes bytes of text' : ''
  const error = makeError(/** @type {Code} */ (code), message + hint, options)
  return brand(retryAfter == null ? error : extend(error, { retryAfter }), ofCall ? 'call' : fault)
}

/**
 * Gives an error properties, as an assignment would. What errors inherit is everybody's: in hardened environments their prototypes are
 * frozen, and then an assignment to what they have, such as `name`, throws; others have put accessors there. A descriptor inherits, too,
 * unless it has no prototype.
 * @template {Error} E
 * @template {object} P
 * @param {E} error
 * @param {P} properties
 * @returns {E & P}
 */
function extend(error, properties) {
  const names = keys(properties)
  for (let at = 0; at < names.length; at++) {
    const value = /** @type {any} */ (properties)[names[at]]
    defineProperty(error, names[at], defined({ value, writable: true, enumerable: true, configurable: true }))
  }
  return /** @type {E & P} */ (error)
}

/** @param {PropertyDescriptor} descriptor */
function defined(descriptor) {
  return setPrototypeOf(descriptor, null)
}

/**
 * @template {Error} E
 * @param {E} error
 * @param {Fault} fault
 */
function brand(error, fault) {
  return defineProperty(error, BRAND, defined({ value: fault, configurable: true }))
}

/**
 * The message of an argument error without the value that was received.
 * @param {unknown} message
 */
function withoutValue(message) {
  const text = String(message)
  const at = text.indexOf(RECEIVED)
  return at < 0 ? text : text.slice(0, at)
}

/**
 * Whose mistake an error of ours is about; none if it is not ours.
 * @param {any} error
 * @returns {Fault | undefined}
 */
function faultOf(error) {
  try {
    return error?.[BRAND]
  } catch {
    return undefined
  }
}

/**
 * The code of something that was thrown, by whomever, if it has one that can be read.
 * @param {any} failure
 * @returns {string | undefined}
 */
function codeOf(failure) {
  try {
    const code = failure?.code
    return typeof code === 'string' ? code : undefined
  } catch {
    return undefined
  }
}

/**
 * @param {Code} code
 * @param {string} message
 * @param {ErrorOptions} [options]
 * @returns {Error & { code: string }}
 */
function makeError(code, message, options) {
  // Plug-ins have codes of their own.
  const { Class } = factsOf(code) ?? { Class: HeavyLoadError }
  if (Class === TypeError || Class === RangeError) {
    return brand(extend(new /** @type {ErrorConstructor} */ (Class)(message, options), { code }), 'call')
  }
  return new /** @type {typeof HeavyLoadError} */ (Class)(code, message, options)
}

/**
 * The error of a task that its caller has given up.
 * @param {unknown} [reason] the signal's
 */
function aborted(reason) {
  return makeError('ABORT_ERR', 'The operation was aborted', reason === undefined ? undefined : { cause: reason })
}

/**
 * The error of a task whose time is over. In milliseconds all.
 * @param {string} kernel
 * @param {number} timeout
 * @param {number} waited
 * @param {number} [ran] none if it never began
 * @param {number} [idle] waiting for its input
 */
function timedOut(kernel, timeout, waited, ran, idle = 0) {
  const ends = [`waited for ${short(waited)} ms`]
  if (ran !== undefined) ends.push(`ran for ${short(ran)} ms`)
  if (idle > 0) ends.push(`had no input for ${short(idle)} ms`)
  if (ran === undefined) ends.push('did not begin')
  const last = ends.pop()
  return late(kernel, timeout, `it ${ends.join(', ')} and ${last}`)
}

/**
 * The same, of a task whose times are not known, or of a request.
 * @param {string} what
 * @param {number} [timeout] none where only what was left of it is known
 * @param {string} [detail]
 */
function late(what, timeout, detail) {
  const length = timeout === undefined ? '' : ` of ${timeout} ms`
  const more = detail === undefined ? '' : `: ${detail}`
  return makeError('ERR_TASK_TIMEOUT', `${what} was not done within its timeout${length}${more}`)
}

/** @param {number} ms */
function short(ms) {
  return Math.round(Math.max(ms, 0) * 10) / 10
}

/** The error of a call of a pool that is closed. */
function poolIsClosed() {
  return makeError('ERR_POOL_CLOSED', 'The pool is closed')
}

/** The error of a task whose pool was closed under it. */
function poolWasClosed() {
  return makeError('ERR_POOL_CLOSED', 'The pool was closed before the task was done')
}

/**
 * The error of a call that has no place, or would not be done in time.
 * @param {string} why
 * @param {number} retryAfter seconds
 */
function overloaded(why, retryAfter) {
  return extend(makeError('ERR_POOL_OVERLOADED', `The pool ${why}`), { retryAfter })
}

const then = Function.prototype.call.bind(Promise.prototype.then)
const { captureStackTrace } = Error

/**
 * Rejects a promise long after the call that it was made for, with an error that is made only now: in a microtask that the promise waits
 * for, from where V8 finds the async functions that await it. So the stack shows the caller, and no call pays for that; to take the
 * stack down at the call would cost several microseconds.
 * @param {(value: any) => void} resolve the promise's
 * @param {() => unknown} make the error
 */
function rejectLate(resolve, make) {
  let begin = () => {}
  const begun = new Promise((resolve) => {
    begin = () => resolve(undefined)
  })
  let late
  try {
    late = then(begun, function throwLate() {
      const error = make()
      // Of the few lines that a stack has, none is for how it was made.
      if (faultOf(error) !== undefined) captureStackTrace?.(/** @type {Error} */ (error), throwLate)
      throw error
    })
  } catch {
    // The caller's code has changed what promises are. This is what they ask of whatever is no promise of theirs.
    late = {
      __proto__: null,
      // biome-ignore lint/suspicious/noThenProperty: that is what it is for
      then: (/** @type {any} */ _, /** @type {(error: unknown) => void} */ reject) => reject(make()),
    }
  }
  resolve(late)
  // Only now, so that the promise is waiting when the error is made.
  begin()
}

/**
 * Whether a signal's reason says that its time is over, as that of AbortSignal.timeout() does.
 * @param {any} reason
 */
function isTimeout(reason) {
  try {
    return reason?.name === 'TimeoutError'
  } catch {
    return false
  }
}

/**
 * "The "timeout" property must be ...", as Node says it.
 * @param {string} name
 */
function subject(name) {
  return `The "${name}" ${name.includes('.') ? 'property' : 'argument'}`
}

/**
 * What was received, as Node says it.
 * @param {unknown} value
 * @returns {string}
 */
function received(value) {
  if (value == null) return ` Received ${value}`
  if (typeof value === 'function') {
    const name = nameOf(value)
    return name ? ` Received function ${name}` : ' Received a function'
  }
  if (typeof value === 'object') {
    const name = classOf(value)
    return `${name ? ` Received an instance of ${name}` : ' Received an object'}${ofAnotherCopy(value)}`
  }
  return ` Received type ${typeof value} (${shown(value)})`
}

/**
 * What a message adds to the class of what another copy of the package has made; of all else nothing.
 * @param {any} value
 */
function ofAnotherCopy(value) {
  try {
    const copy = value[OF_COPY]
    return copy === undefined || copy === THIS_COPY ? '' : ` of another copy of heavy-load, ${copy.folder}`
  } catch {
    return ''
  }
}

/**
 * A value as a message shows it: of a long one the beginning, as Node cuts it.
 * @param {unknown} value
 */
function shown(value) {
  if (typeof value === 'string') return `'${cut(value)}'`
  if (typeof value === 'function' || (typeof value === 'object' && value !== null && !Array.isArray(value)))
    return received(value).slice(RECEIVED.length)
  try {
    return cut(inspect(value, { depth: 0, colors: false, maxArrayLength: 4, maxStringLength: LONGEST_SHOWN }))
  } catch {
    // An array's members may be anything.
    return 'an instance of Array'
  }
}

/** @param {string} text */
function cut(text) {
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN - 3)}...` : text
}

/**
 * The name of an object's class, if the object lets it be known.
 * @param {any} value
 */
function classOf(value) {
  try {
    return nameOf(value.constructor)
  } catch {
    return ''
  }
}

/** @param {any} value */
function nameOf(value) {
  try {
    const name = value?.name
    return typeof name === 'string' ? cut(name) : ''
  } catch {
    return ''
  }
}

/**
 * @param {string} name
 * @param {string} expected "of type number", say
 * @param {unknown} value
 */
function invalidType(name, expected, value) {
  return makeError('ERR_INVALID_ARG_TYPE', `${subject(name)} must be ${expected}.${received(value)}`)
}

/**
 * @param {string} name
 * @param {string} reason
 * @param {unknown} value
 */
function invalidValue(name, reason, value) {
  return makeError('ERR_INVALID_ARG_VALUE', `${subject(name)} ${reason}. Received ${shown(value)}`)
}

/**
 * @param {string} name
 * @param {string} expected "an integer >= 0", say
 * @param {unknown} value
 */
function outOfRange(name, expected, value) {
  const message = `The value of "${name}" is out of range. It must be ${expected}. Received ${shown(value)}`
  return makeError('ERR_OUT_OF_RANGE', message)
}

module.exports = {
  CODES,
  HeavyLoadError,
  OF_COPY,
  THIS_COPY,
  aborted,
  brand,
  codeOf,
  cut,
  extend,
  factsOf,
  faultOf,
  invalidType,
  invalidValue,
  isTimeout,
  late,
  makeError,
  ofAnotherCopy,
  outOfRange,
  overloaded,
  poolIsClosed,
  poolWasClosed,
  rejectLate,
  then,
  timedOut,
  toError,
  withoutValue,
}
