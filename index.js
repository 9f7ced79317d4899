'use strict'

const { FrozenBuffer, freeze } = require('./lib/buffers.js')
const { HeavyLoadError } = require('./lib/errors.js')
const { kernel } = require('./lib/pool/forms.js')
const { Pool, defaultPool } = require('./lib/pool/index.js')

/** @param {any} path */
function loadKernels(path) {
  // Few need it, so it is not loaded before.
  return require('./lib/plugins.js').loadKernels(path)
}

/**
 * Loaded when it is used: most never need worker threads.
 * @param {any} url
 * @param {any} [options]
 */
async function loadFunctions(url, options) {
  return require('./lib/functions/index.js').loadFunctions(url, options)
}

// In the form in which Node.js finds the names for `import`: no methods, and what is re-exported last.
module.exports = {
  FrozenBuffer,
  HeavyLoadError,
  Pool,
  defaultPool,
  freeze,
  kernel,
  loadFunctions,
  loadKernels,
  ...require('./lib/kernels.js'),
}
