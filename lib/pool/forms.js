'use strict'

/** The three forms in which every kernel comes, by one rule. */

const { numberOf } = require('../catalog.js')
const { invalidType } = require('../errors.js')
const { Pool, defaultPool, runNumber } = require('./index.js')
const { isTraced, trace } = require('../observe.js')

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
  /**
   * @param {any} input
   * @param {any} [options]
   */
  const form = (input, options = {}) => withoutPool().runSync(number, input, options)
  return named(form, `${kernel}Sync`, kernel)
}

/**
 * `nameAsync(input, options)`: on libuv's thread pool, as an N-API AsyncTask.
 * @param {string} kernel
 */
function asynchronous(kernel) {
  const number = numberOf(kernel)
  /**
   * @param {any} input
   * @param {any} [options]
   */
  const form = (input, options = {}) => {
    const { runAsync } = withoutPool()
    return isTraced()
      ? trace(kernel, 'libuv', () => runAsync(number, input, options))
      : runAsync(number, input, options)
  }
  return named(form, `${kernel}Async`, kernel)
}

/** @type {typeof import('./without-pool.js') | undefined} loaded when it is used */
let loaded

function withoutPool() {
  loaded ??= require('./without-pool.js')
  return loaded
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
