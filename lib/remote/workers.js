'use strict'

/**
 * What workers report of themselves, and what callers know from it: who is there, how much waits, and how long it will be. Each worker writes a
 * line of its own twice a second; one that has written none for some seconds is not there. Times are Redis's.
 */

/** How often workers report, and callers look, in milliseconds. */
const EVERY_MS = 500
/** How long after its last report a worker counts as being there, in milliseconds. */
const ALIVE_MS = 3000
/** How long the line of a worker that is gone stays, in milliseconds: Redis may have been full, and it may report again. */
const FORGET_MS = 60_000
/** How much of the past the workers' speed is known by: so many milliseconds, and so many jobs at least. */
const WINDOW_MS = 4000
const LEAST_JOBS = 8

const TIME = "local now = redis.call('TIME') local at = now[1] * 1000 + math.floor(now[2] / 1000)"
const REPORT = `${TIME}
redis.call('HSET', KEYS[1], ARGV[1], at .. ' ' .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if at - (tonumber(string.match(all[i + 1], '^%d+')) or 0) > tonumber(ARGV[3]) then redis.call('HDEL', KEYS[1], all[i]) end
end`
/** BullMQ's scores begin with the priority: 2^32 each. */
const LOOK = `${TIME}
return { at, redis.call('HGETALL', KEYS[1]), redis.call('LLEN', KEYS[2]), redis.call('ZCOUNT', KEYS[3], '-inf', '(8589934592'),
  redis.call('ZCOUNT', KEYS[3], '8589934592', '+inf'), redis.call('LLEN', KEYS[4]) }`

/**
 * `protocol`: which messages it knows. `done`: jobs that it has ended. `at`: when it reported that.
 * @typedef {{ protocol: number, threads: number, concurrency: number, done: number, utilization: number, memory: number }} Facts
 * @typedef {Facts & { at: number }} Report
 * @typedef {import('./connection.js').Redis} Redis
 * @typedef {ReturnType<typeof import('./wire.js').keysOf>} Keys
 *
 * `waiting`: jobs that no worker has, of all callers, by class. `active`: those that workers have.
 * @typedef {{ workers: Map<string, Report>, waiting: number[], active: number }} View
 */

/**
 * @param {Redis} redis
 * @param {Keys} keys
 * @param {string} id the worker's
 * @param {Facts} facts
 */
function report(redis, keys, id, facts) {
  return redis.eval(REPORT, 1, keys.workers, id, JSON.stringify(facts), FORGET_MS)
}

/**
 * @param {Redis} redis
 * @param {Keys} keys
 * @returns {Promise<View>}
 */
async function look(redis, keys) {
  const found = await redis.eval(LOOK, 4, keys.workers, keys.waiting, keys.prioritized, keys.active)
  const [now, lines, high, normal, low, active] = found
  const workers = new Map()
  for (let at = 0; at < lines.length; at += 2) {
    const report = read(lines[at + 1])
    // One from the future would be there for as long as somebody wants.
    if (report !== undefined && Math.abs(now - report.at) <= ALIVE_MS) workers.set(lines[at], report)
  }
  return { workers, waiting: [high, normal, low], active }
}

/** The most that a report may say, by fact: of threads more than any pool has, since `map` holds some inputs for each. */
const MOST = {
  protocol: 2 ** 31 - 1,
  threads: 4096,
  concurrency: 2 ** 31 - 1,
  done: Number.MAX_SAFE_INTEGER,
  memory: Number.MAX_SAFE_INTEGER,
}

/**
 * Of a worker that may be of another version, or of somebody who writes what he likes: what cannot be counts as none.
 * @param {string} line
 * @returns {Report | undefined}
 */
function read(line) {
  try {
    const [, at, json] = /^(\d+) (\{.*)$/s.exec(line) ?? []
    const facts = JSON.parse(json)
    const number = (/** @type {keyof typeof MOST} */ name) => {
      const value = Object.hasOwn(facts, name) ? facts[name] : 0
      return Number.isInteger(value) && value >= 0 && value <= MOST[name] ? value : 0
    }
    const { utilization } = facts
    return {
      at: Number(at),
      protocol: number('protocol'),
      threads: number('threads'),
      concurrency: number('concurrency'),
      done: number('done'),
      utilization: typeof utilization === 'number' && utilization >= 0 && utilization <= 1 ? utilization : 0,
      memory: number('memory'),
    }
  } catch {
    return undefined
  }
}

/** How many jobs a second the workers end while there is enough to do. */
class Speed {
  /** By worker: its last report, and how many jobs it has ended in how long. @type {Map<string, { last: Report, done: number, time: number }>} */
  #known = new Map()
  #wasBusy = false

  /** @param {View} view */
  learn({ workers, waiting }) {
    const isBusy = waiting.some((count) => count > 0)
    for (const id of this.#known.keys()) if (!workers.has(id)) this.#known.delete(id)
    for (const [id, report] of workers) {
      const known = this.#known.get(id)
      if (known === undefined) {
        this.#known.set(id, { last: report, done: 0, time: 0 })
        continue
      }
      // What it ends while nothing waits says what there is to do, and not what it can do.
      if (isBusy && this.#wasBusy) {
        known.done += Math.max(0, report.done - known.last.done)
        known.time += Math.max(0, report.at - known.last.at)
      }
      known.last = report
      // The past fades, unless there is little of it.
      if (known.time > WINDOW_MS && known.done > LEAST_JOBS) {
        known.done /= 2
        known.time /= 2
      }
    }
    this.#wasBusy = isBusy
  }

  /** Jobs a second, of all; undefined while that is not known. */
  get value() {
    // Before as many have ended as run at once, that is no measure.
    const measured = [...this.#known.values()].filter(
      ({ last, done, time }) => time > 0 && done >= Math.max(2, last.threads),
    )
    if (measured.length === 0) return undefined
    const sum = measured.reduce((sum, { done, time }) => sum + (done / time) * 1e3, 0)
    // Workers of which nothing is known yet are like the others.
    return (sum / measured.length) * this.#known.size
  }
}

module.exports = { EVERY_MS, Speed, look, report }
