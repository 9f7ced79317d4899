'use strict'

const { parseArgs } = require('node:util')
const { nearest } = require('../nearest.js')
const { UnknownOption, UsageError } = require('./errors.js')

/**
 * `util.parseArgs`, by whose rules options are written. Positionals are not shown in messages: what stands in the wrong
 * place may be a URL.
 * @template {NonNullable<import('node:util').ParseArgsConfig['options']>} Options
 * @param {string[]} args
 * @param {Options} options
 */
function parse(args, options) {
  try {
    return parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error)
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw unknownOption(message, options)
    throw new UsageError(message.replaceAll('\n', ' '))
  }
}

/**
 * @param {string} message of `parseArgs`
 * @param {object} options that there are
 */
function unknownOption(message, options) {
  // What follows the name there is about arguments that begin with a dash.
  const text = message.replace(/'\. .*/s, "'").replaceAll('\n', ' ')
  const [, name] = /'--([^']+)'$/.exec(text) ?? []
  const meant = name === undefined ? undefined : nearest(name, [...Object.keys(options), 'help'])
  return new UnknownOption(meant === undefined ? text : `${text}: did you mean --${meant}?`, meant)
}

/**
 * An option's number, if it is given.
 * @param {Record<string, unknown>} values
 * @param {string} name
 * @param {number} min
 * @param {number} max
 * @returns {number | undefined}
 */
function integer(values, name, min, max) {
  const text = values[name]
  if (text === undefined) return undefined
  const value = Number(text)
  if (String(text).trim() === '' || !Number.isInteger(value) || value < min || value > max) {
    throw new UsageError(`--${name} must be an integer from ${min} to ${max}. Received '${text}'`)
  }
  return value
}

module.exports = { integer, parse }
