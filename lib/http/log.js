'use strict'

/**
 * Says on the console that an error was answered with 5xx which the app does not get to see. Express does so for the errors that it answers
 * itself; as there, nothing is said where the environment is "test".
 */

const { performance, process } = require('../host.js')

/** Of each code, a server logs one in so much time, in milliseconds: while Redis is away, all requests have the same error. */
const PERIOD_MS = 60_000
/** Answers to overload, of which there are many while all works as it should. Metrics count them. */
const EXPECTED = new Set(['ERR_POOL_OVERLOADED', 'ERR_TASK_TIMEOUT'])

/**
 * When codes were logged last, by server.
 * @type {WeakMap<object, Map<unknown, number>>}
 */
const logged = new WeakMap()
/** Of requests whose server is not known, as with HTTP/2. */
const UNKNOWN = {}

/**
 * @param {any} error of ours
 * @param {import('./answers.js').Answer} answer
 * @param {any} request Node's
 * @param {(error: any, message: string) => void} write
 */
function logAnswer(error, { status, body }, request, write) {
  const { code } = body.error
  if (status < 500 || EXPECTED.has(code)) return
  const server = request?.socket?.server ?? UNKNOWN
  const times = logged.get(server) ?? new Map()
  logged.set(server, times)
  const now = performance.now()
  if (now - (times.get(code) ?? -Infinity) < PERIOD_MS) return
  times.set(code, now)
  write(error, `heavy-load answered ${status}, and logs no other ${code} for a minute`)
}

/**
 * @param {any} error
 * @param {string} message
 */
function toConsole(error, message) {
  if (process.env.NODE_ENV !== 'test') console.error(`${message}:`, error)
}

module.exports = { logAnswer, toConsole }
