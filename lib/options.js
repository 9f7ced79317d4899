'use strict'

const { constants } = require('./native.js')
const { invalidType, invalidValue, makeError, outOfRange } = require('./errors.js')
const { TIMES } = require('./observe.js')
const { isSignal } = require('./signals.js')

const { high, normal, low } = constants.priority
const PRIORITY_NUMBERS = { high, normal, low }
/** What a key's weight may be: shares of a millionth of each other at the least. */
const LEAST_WEIGHT = 0.001
const MOST_WEIGHT = 1000
/** The longest that setTimeout takes, in milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1
/** Of an option's name, in characters, as a message shows it. */
const LONGEST_KEY = 64
/** The priorities' names, by number. */
const PRIORITIES = { [high]: 'high', [normal]: 'normal', [low]: 'low' }
/** What every task takes, beside its kernel's own options. */
const TASK_OPTIONS = new Set([
  'signal',
  'timeout',
  'priority',
  'key',
  'weight',
  'maxThreads',
  'onProgress',
  'pool',
  'transfer',
])
const CLOSE_OPTIONS = new Set(['force', 'timeout'])

/**
 * A task's options, checked, with defaults filled in.
 * @typedef {object} Settings
 * @property {import('./signals.js').Signals | undefined} signal
 * @property {number} timeout milliseconds; Infinity for none
 * @property {number} priority its number
 * @property {string | undefined} key
 * @property {number} weight
 * @property {number} maxThreads
 * @property {((fraction: number) => void) | undefined} onProgress
 * @property {boolean} transfer
 * @property {import('./times.js').Times | undefined} times
 */

/**
 * Checks the options that every task has; a kernel checks its own. Throws Node's own argument errors.
 * @param {any} options
 * @param {ReadonlySet<string>} [own] the names of the kernel's own: with these, others are refused. Without, the caller sees to it.
 * @returns {Settings}
 */
function taskSettings(options, own) {
  object('options', options, own)
  // Of a request, whose time its tasks share, whatever timeout was copied from it and when. It has called a task, whatever comes of that.
  const times = options[TIMES]?.called()
  if (own !== undefined) refuseUntaken(options, isTakenByPools, own)
  const { signal, timeout, priority, key, weight, maxThreads, onProgress, transfer } = options
  if (priority !== undefined && (typeof priority !== 'string' || !Object.hasOwn(PRIORITY_NUMBERS, priority))) {
    throw invalidValue('options.priority', "must be one of: 'high', 'normal', 'low'", priority)
  }
  if (key !== undefined && typeof key !== 'string') throw invalidType('options.key', 'of type string', key)
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw invalidType('options.onProgress', 'of type function', onProgress)
  }
  if (transfer !== undefined && typeof transfer !== 'boolean') {
    throw invalidType('options.transfer', 'of type boolean', transfer)
  }
  return {
    signal: signal === undefined || isSignal(signal) ? signal : severalSignals(signal),
    timeout: Math.min(
      timeout === undefined ? Infinity : positive('options.timeout', timeout),
      times?.left() ?? Infinity,
    ),
    priority: PRIORITY_NUMBERS[/** @type {keyof typeof PRIORITY_NUMBERS} */ (priority ?? 'normal')],
    key,
    weight: weight === undefined ? 1 : between('options.weight', weight, LEAST_WEIGHT, MOST_WEIGHT),
    maxThreads: maxThreads === undefined ? 0xffffffff : integer('options.maxThreads', maxThreads, 1, 0xffffffff),
    onProgress,
    transfer: transfer === true,
    times,
  }
}

/** The settings of a call without options. */
const WITHOUT_OPTIONS = Object.freeze(taskSettings(Object.create(null)))

/**
 * Whether a task with these says nothing of itself, as one without options; `transfer` is its input's.
 * @param {Settings} settings
 */
function saysNothing(settings) {
  const { signal, timeout, priority, key, weight, maxThreads, onProgress, times } = settings
  return (
    settings === WITHOUT_OPTIONS ||
    (signal === undefined &&
      timeout === WITHOUT_OPTIONS.timeout &&
      priority === WITHOUT_OPTIONS.priority &&
      key === undefined &&
      weight === WITHOUT_OPTIONS.weight &&
      maxThreads === WITHOUT_OPTIONS.maxThreads &&
      onProgress === undefined &&
      times === undefined)
  )
}

/**
 * Refuses `pool.run(kernel, input, { pool })`, which runs on the pool whose method it is, whatever the option says. A route's task may be
 * passed on to the pool that it names.
 * @param {any} options that name a pool
 * @param {any} pool
 */
function refusePool(options, pool) {
  if (options.pool === pool && options[TIMES] !== undefined) return
  const reason =
    "is for the kernels' own functions: run and map are methods of the pool they run on, and functions run on the pool that loadFunctions was given"
  throw invalidValue('options.pool', reason, options.pool)
}

/**
 * A list of signals as it is now; none if it has none.
 * @param {any} value
 * @returns {readonly AbortSignal[] | undefined}
 */
function severalSignals(value) {
  if (!Array.isArray(value))
    throw invalidType('options.signal', 'an instance of AbortSignal or an array of them', value)
  const signals = [...value]
  for (const [index, signal] of signals.entries()) {
    if (!isSignal(signal)) throw invalidType(`options.signal[${index}]`, 'an instance of AbortSignal', signal)
  }
  return signals.length === 0 ? undefined : signals
}

/**
 * Checks what `close` takes.
 * @param {any} options
 * @returns {number} milliseconds until what is left is cancelled
 */
function closeTimeout(options) {
  refuseUnknown('options', options, CLOSE_OPTIONS)
  const { force = false, timeout = Infinity } = options
  if (typeof force !== 'boolean') throw invalidType('options.force', 'of type boolean', force)
  return force ? 0 : positive('options.timeout', timeout)
}

/**
 * @param {string} name
 * @param {any} value
 * @param {ReadonlySet<string>} [own] of a kernel's options, the names of its own: the message has those that every call has to give
 */
function object(name, value, own) {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return
  const expected = `of type object${own === undefined ? '' : withRequired(own)}`
  // Not which one: whoever has mistaken the order of the arguments may have given a password.
  if (typeof value === 'string') {
    throw makeError('ERR_INVALID_ARG_TYPE', `The "${name}" argument must be ${expected}. Received type string`)
  }
  throw invalidType(name, expected, value)
}

/**
 * Other packages take as an argument of its own what a kernel takes as an option, such as a password's hash.
 * @param {ReadonlySet<string>} own
 */
function withRequired(own) {
  const { OWN_OPTIONS, descriptions } = require('./catalog.js')
  const { options } = descriptions()[OWN_OPTIONS.indexOf(own)]
  const names = options.filter(({ required }) => required).map(({ name }) => name)
  return names.length === 0 ? '' : `, such as { ${names.join(', ')} }`
}

/**
 * Refuses what is no object, and own enumerable keys that nobody would look at: they are misspelt, or meant for another function.
 * Symbols are nobody's mistake.
 * @param {string} name of the object
 * @param {any} options
 * @param {ReadonlySet<string>} known
 */
function refuseUnknown(name, options, known) {
  object(name, options)
  // This costs less than Object.keys, and so only the keys that are not known are asked whether they are the object's own.
  for (const key in options) {
    if (!known.has(key) && Object.hasOwn(options, key)) throw unknownOption(name, key, known, options[key])
  }
}

/**
 * `refuseUnknown` for a task's options, which costs a third: done once a task, it looks into a set for the kernel's own only. An option
 * that other forms take may be there as `undefined`, which stands for one that is not given, or be one of a route's.
 * @param {any} options
 * @param {(key: string) => boolean} isTaken whether the form takes it, of those that every task has
 * @param {ReadonlySet<string>} own the names of the kernel's own
 */
function refuseUntaken(options, isTaken, own) {
  for (const key in options) {
    if (isTaken(key) || own.has(key) || !Object.hasOwn(options, key)) continue
    if (TASK_OPTIONS.has(key) && (options[key] === undefined || isOfRoute(options, key))) continue
    throw unknownOption('options', key, new Set([...[...TASK_OPTIONS].filter(isTaken), ...own]), options[key])
  }
}

/**
 * Whether an option is what a route has put into its `task` for every call: where a form cannot heed it, that is not the mistake of whoever
 * passes `task` on. One that the handler has set itself is.
 * @param {any} options
 * @param {string} key
 */
function isOfRoute(options, key) {
  const given = options[TIMES]?.given
  return given !== undefined && Object.hasOwn(given, key) && given[key] === options[key]
}

/**
 * Whether pools take it: whether TASK_OPTIONS has it.
 * @param {string} key
 */
function isTakenByPools(key) {
  switch (key) {
    case 'signal':
    case 'timeout':
    case 'priority':
    case 'key':
    case 'weight':
    case 'maxThreads':
    case 'onProgress':
    case 'pool':
    case 'transfer':
      return true
    default:
      return false
  }
}

/**
 * @param {string} name of the object
 * @param {string} key
 * @param {ReadonlySet<string>} known
 * @param {any} value
 */
function unknownOption(name, key, known, value) {
  const meant = meantBy(key, known, value)
  const shown = key.length > LONGEST_KEY ? `${key.slice(0, LONGEST_KEY)}...` : key
  const hint = meant === undefined ? `Known are: ${[...known].join(', ')}` : `Did you mean '${meant}'?`
  return makeError('ERR_INVALID_ARG_VALUE', `The "${name}.${shown}" property is unknown here. ${hint}`)
}

/**
 * What was probably meant by an option that is not known, if anything.
 * @param {string} key
 * @param {ReadonlySet<string>} known
 * @param {any} value
 */
function meantBy(key, known, value) {
  // So long a name is data; looking for one like it would take long.
  if (key.length > LONGEST_KEY) return undefined
  // A route's options, in an option instead of copied: they would be without effect.
  return value?.[TIMES] === undefined ? require('./nearest.js').nearest(key, known) : `...${key}`
}

/**
 * @param {string} name
 * @param {any} value
 */
function positive(name, value) {
  if (typeof value !== 'number') throw invalidType(name, 'of type number', value)
  if (!(value > 0)) throw outOfRange(name, '> 0', value)
  return value
}

/**
 * @param {string} name
 * @param {any} value
 * @param {number} min
 * @param {number} max
 */
function between(name, value, min, max) {
  if (typeof value !== 'number') throw invalidType(name, 'of type number', value)
  if (!(value >= min && value <= max)) throw outOfRange(name, `>= ${min} and <= ${max}`, value)
  return value
}

/**
 * @param {string} name
 * @param {any} value
 * @param {number} min
 * @param {number} max
 */
function integer(name, value, min, max) {
  if (typeof value !== 'number') throw invalidType(name, 'of type number', value)
  if (!Number.isInteger(value) || value < min || value > max) {
    throw outOfRange(name, `an integer >= ${min} and <= ${max}`, value)
  }
  return value
}

module.exports = {
  WITHOUT_OPTIONS,
  LONGEST_TIMER_MS,
  PRIORITIES,
  TASK_OPTIONS,
  between,
  closeTimeout,
  integer,
  object,
  positive,
  refusePool,
  refuseUnknown,
  refuseUntaken,
  saysNothing,
  taskSettings,
}
