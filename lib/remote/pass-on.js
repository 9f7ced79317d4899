'use strict'

/**
 * Jobs that a worker cannot do, and another may, or the same one later: of another version, of a kernel that it does not know, or too many for
 * it. With each job is written which workers have passed it on, and how often: once all of those that are there have, there is nobody left.
 */

const { setTimeout: sleep } = require('node:timers/promises')
const workers = require('./workers.js')

/** How long a job rests that was passed on, in milliseconds: doubled each time, up to a limit. */
const REST_FIRST_MS = 20
const REST_LONGEST_MS = 1000
/** How long it then stays where nobody gets it, in milliseconds: whoever passed it on has let go of it by then, and may try it anew. */
const LET_GO_MS = 50
/** Writes it down with a job that is there; gives a name and a number for each worker that has passed it on. */
const PASSED = `if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
return redis.call('HGETALL', KEYS[1])`
/** Before the worker's id, in the job's hash: the fields of BullMQ's have other names. */
const PASSED_BY = 'heavy-load:passed-by:'

/**
 * Writes down that a worker passes a job on.
 * @param {import('./connection.js').Redis} redis
 * @param {import('./workers.js').Keys} keys
 * @param {string} key the job's
 * @param {string} id the worker's
 * @returns {Promise<{ isGone: boolean, isRefused: boolean, times: number }>} whether there is no such job any more; whether all workers that
 *   are there have passed it on; how often that was
 */
async function note(redis, keys, key, id) {
  const fields = await redis.eval(PASSED, 1, key, PASSED_BY + id)
  const passedBy = new Set()
  let times = 0
  for (let at = 0; at < fields.length; at += 2) {
    if (!fields[at].startsWith(PASSED_BY)) continue
    passedBy.add(fields[at].slice(PASSED_BY.length))
    times += Math.max(0, Number(fields[at + 1])) || 0
  }
  if (times === 0) return { isGone: true, isRefused: false, times }
  const { workers: there } = await workers.look(redis, keys)
  return { isGone: false, isRefused: [...there.keys()].every((id) => passedBy.has(id)), times }
}

/**
 * A job rests with its worker, which has a place less meanwhile, and goes back: it counts as no attempt. Given back before, it might come to
 * the same worker while that still has it, and would be refused untried.
 * @param {any} job
 * @param {string} token
 * @param {number} times how often it was passed on
 * @param {AbortSignal} signal ends the rest
 */
async function rest(job, token, times, signal) {
  await sleep(Math.min(REST_FIRST_MS * 2 ** (times - 1), REST_LONGEST_MS), undefined, { signal }).catch(() => {})
  await job.moveToDelayed(Date.now() + LET_GO_MS, token)
}

module.exports = { note, rest }
