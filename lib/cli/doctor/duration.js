'use strict'

const { UsageError } = require('../errors.js')

/** @type {Record<string, number>} */
const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/**
 * An option's duration in milliseconds, if it is given: `30s`, `500ms`, `2m`.
 * @param {Record<string, unknown>} values
 * @param {string} name
 * @param {number} max
 * @returns {number | undefined}
 */
function duration(values, name, max) {
  const text = values[name]
  if (text === undefined) return undefined
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(String(text)) ?? []
  const time = Number(number) * UNITS[unit]
  if (!(time >= 1 && time <= max)) {
    throw new UsageError(
      `--${name} must be a time such as 30s, 500ms or 2m, at most ${max / UNITS.h}h. Received '${text}'`,
    )
  }
  return time
}

module.exports = { duration }
