'use strict'

/** The two forms of a kernel that run on no pool. */

const { asBuffer, countReaders, handOver } = require('../buffers.js')
const { NAMES, OWN_OPTIONS } = require('../catalog.js')
const { codeOf, timedOut, toError } = require('../errors.js')
const { performance } = require('../host.js')
const { object, refuseUntaken, taskSettings } = require('../options.js')
const { adopt } = require('../realm.js')
const { throwIfAborted } = require('../signals.js')
const { instance } = require('./instance.js')
const { Task } = require('./task.js')

/**
 * On the calling thread.
 * @param {number} kernel
 * @param {any} input
 * @param {any} options
 */
function runSync(kernel, input, options) {
  const own = OWN_OPTIONS[kernel]
  object('options', options, own)
  const { timeout, transfer, times } = taskSettings(options)
  refuseUntaken(options, isTakenBySync, own)
  const given = handOver(input, transfer, kernel)
  const called = timeout === Infinity && times === undefined ? 0 : performance.now()
  if (given.frozen !== undefined) countReaders(given.frozen, 1)
  try {
    const value = adopt(instance.runSync(kernel, given.view, options, given.mode, timeout))
    return given.isBuffer ? asBuffer(value) : value
  } catch (failure) {
    if (codeOf(failure) === 'ERR_TASK_TIMEOUT') throw timedOut(NAMES[kernel], timeout, 0, performance.now() - called)
    throw toError(failure, 'input')
  } finally {
    times?.add(0, performance.now() - called)
    if (given.frozen !== undefined) countReaders(given.frozen, -1)
  }
}

/** @param {string} key of an option */
function isTakenBySync(key) {
  return key === 'timeout' || key === 'transfer'
}

/**
 * On libuv's threads.
 * @param {number} kernel
 * @param {any} input
 * @param {any} options
 * @returns {Promise<any>}
 */
function runAsync(kernel, input, options) {
  return new Promise((resolve, reject) => {
    const own = OWN_OPTIONS[kernel]
    object('options', options, own)
    const settings = taskSettings(options)
    refuseUntaken(options, isTakenByAsync, own)
    throwIfAborted(settings.signal)
    const given = handOver(input, settings.transfer, kernel)
    const task = new Task(resolve, reject, undefined, given, kernel)
    try {
      follow(task, instance.runAsync(kernel, task.slot, given.view, options, given.mode, settings.timeout))
    } catch (failure) {
      task.refuse(failure, settings.times)
      return
    }
    task.arm(settings, true)
  })
}

/** @param {string} key of an option */
function isTakenByAsync(key) {
  return key === 'timeout' || key === 'transfer' || key === 'signal' || key === 'onProgress'
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

module.exports = { runAsync, runSync }
