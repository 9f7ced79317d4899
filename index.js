'use strict'

const { HeavyLoadError } = require('./lib/errors.js')
const { kernel } = require('./lib/pool/forms.js')
const { Pool, defaultPool } = require('./lib/pool/index.js')

// What few need, or only some time after the start, is not loaded before.

/** @param {any} data */
function freeze(data) {
  return require('./lib/buffers.js').freeze(data)
}

/** @param {any} path */
function loadKernels(path) {
  return require('./lib/plugins.js').loadKernels(path)
}

/**
 * @param {any} url
 * @param {any} [options]
 */
async function loadFunctions(url, options) {
  return require('./lib/functions/index.js').loadFunctions(url, options)
}

// In the form in which Node.js finds the names for `import`: no methods, and what is re-exported last.
module.exports = {
  FrozenBuffer: undefined,
  HeavyLoadError,
  Pool,
  defaultPool,
  freeze,
  kernel,
  loadFunctions,
  loadKernels,
  ...require('./lib/kernels.js'),
}

// By Reflect: of a getter that Object defines it takes the name away again.
Reflect.defineProperty(module.exports, 'FrozenBuffer', { get: () => require('./lib/buffers.js').FrozenBuffer })
