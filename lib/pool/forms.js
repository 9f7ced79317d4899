'use strict'

/** The three forms in which every kernel comes, by one rule. */

const { asBuffer, countReaders, handOver } = require('../buffers.js')
const { OWN_OPTIONS, numberOf } = require('../catalog.js')
const { codeOf, invalidType, timedOut, toError } = require('../errors.js')
const { performance } = require('../host.js')
const { refuseUntaken, taskSettings } = require('../options.js')
const { Pool, defaultPool, runNumber } = require('./index.js')
const { isTraced, trace } = require('../observe.js')
const { throwIfAborted } = require('../signals.js')
const { instance } = require('./instance.js')
const { Task } = require('./task.js')

/** The pool forms that have been made, by their kernels' numbers. @type {ReturnType<typeof pooledForm>[]} */
const POOLED = []

/**
 * `name(input, options)`: on the rayon threads of a pool. One function for each kernel.
 * @param {string} kernel
 */
function pooled(kernel) {
  const number = numberOf(kernel)
  POOLED[number] ??= pooledForm(kernel, number)
  return POOLED[number]
}

/**
 * The pool form of a kernel by its name.
 * @param {any} name
 */
function kernel(name) {
  if (typeof name !== 'string') throw invalidType('name', 'of type string', name)
  return pooled(name)
}

/**
 * @param {string} kernel
 * @param {number} number
 */
function pooledForm(kernel, number) {
  /**
   * @param {any} input
   * @param {any} [options]
   */
  const form = (input, options) => {
    try {
      const pool = options?.pool
      if (pool === undefined) return defaultPool[runNumber](number, input, options)
      if (typeof pool?.run !== 'function') throw invalidType('options.pool', 'an instance of Pool or RemotePool', pool)
      if (pool.run === Pool.prototype.run) return pool[runNumber](number, input, options)
      const { pool: _, ...rest } = options
      return pool.run(kernel, input, rest)
    } catch (error) {
      return Promise.reject(error)
    }
  }
  return named(form, kernel, kernel)
}

/**
 * `nameSync(input, options)`: on the calling thread.
 * @param {string} kernel
 */
function synchronous(kernel) {
  const number = numberOf(kernel)
  const isTaken = (/** @type {string} */ key) => key === 'timeout' || key === 'transfer'
  /**
   * @param {any} input
   * @param {any} [options]
   */
  const form = (input, options = {}) => {
    const { timeout, transfer, times } = taskSettings(options)
    refuseUntaken(options, isTaken, OWN_OPTIONS[number])
    const given = handOver(input, transfer, number)
    const called = timeout === Infinity && times === undefined ? 0 : performance.now()
    if (given.frozen !== undefined) countReaders(given.frozen, 1)
    try {
      const value = instance.runSync(number, given.view, options, given.mode, timeout)
      return given.isBuffer ? asBuffer(value) : value
    } catch (failure) {
      if (codeOf(failure) === 'ERR_TASK_TIMEOUT') throw timedOut(kernel, timeout, 0, performance.now() - called)
      throw toError(failure, 'input')
    } finally {
      times?.add(0, performance.now() - called)
      if (given.frozen !== undefined) countReaders(given.frozen, -1)
    }
  }
  return named(form, `${kernel}Sync`, kernel)
}

/**
 * `nameAsync(input, options)`: on libuv's thread pool, as an N-API AsyncTask.
 * @param {string} kernel
 */
function asynchronous(kernel) {
  const number = numberOf(kernel)
  const isTaken = (/** @type {string} */ key) =>
    key === 'timeout' || key === 'transfer' || key === 'signal' || key === 'onProgress'
  /**
   * @param {any} input
   * @param {any} [options]
   */
  const form = (input, options = {}) =>
    isTraced() ? trace(kernel, 'libuv', () => run(input, options)) : run(input, options)
  /**
   * @param {any} input
   * @param {any} options
   * @returns {Promise<any>}
   */
  const run = (input, options) =>
    new Promise((resolve, reject) => {
      const settings = taskSettings(options)
      refuseUntaken(options, isTaken, OWN_OPTIONS[number])
      throwIfAborted(settings.signal)
      const given = handOver(input, settings.transfer, number)
      const task = new Task(resolve, reject, undefined, given, number)
      try {
        follow(task, instance.runAsync(number, task.slot, given.view, options, given.mode, settings.timeout))
      } catch (failure) {
        task.refuse(failure, settings.times)
        return
      }
      task.arm(settings, true)
    })
  return named(form, `${kernel}Async`, kernel)
}

/**
 * Has an AsyncTask go on whenever it has given its thread back. Its end comes by the instance, also if Node-API has not run it.
 * @param {Task} task
 * @param {Promise<boolean>} turn
 */
async function follow(task, turn) {
  try {
    while (await turn) turn = instance.resumeAsync(task.slot)
  } catch {
    // Whoever awaits the task hears of that.
  }
}

/**
 * @template {Function} F
 * @param {F} form
 * @param {string} name
 * @param {string} kernel
 */
function named(form, name, kernel) {
  Object.defineProperty(form, 'name', Object.setPrototypeOf({ value: name }, null))
  return Object.assign(form, { kernel })
}

module.exports = { asynchronous, kernel, pooled, synchronous }
