'use strict'

const { FrozenBuffer, freeze } = require('./lib/buffers.js')
const { HeavyLoadError } = require('./lib/errors.js')
const { Pool, defaultPool } = require('./lib/pool/index.js')

/**
 * Loaded when it is used: most never need worker threads.
 * @param {any} url
 * @param {any} [options]
 */
async function loadFunctions(url, options) {
  return require('./lib/functions/index.js').loadFunctions(url, options)
}

module.exports = {
  FrozenBuffer,
  HeavyLoadError,
  Pool,
  defaultPool,
  freeze,
  loadFunctions,
  ...require('./lib/kernels.js'),
}
