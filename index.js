'use strict'

const { HeavyLoadError } = require('./lib/errors.js')
const { asynchronous, kernel, pooled, synchronous } = require('./lib/pool/forms.js')
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

// In the forms in which Node.js finds the names for `import`: no methods.
module.exports = {
  FrozenBuffer: undefined,
  HeavyLoadError,
  Pool,
  defaultPool,
  freeze,
  kernel,
  loadFunctions,
  loadKernels,
}

// generated: kernels
module.exports.heavyLoad = pooled('heavyLoad')
module.exports.heavyLoadSync = synchronous('heavyLoad')
module.exports.heavyLoadAsync = asynchronous('heavyLoad')

module.exports.heavyLoadShared = pooled('heavyLoadShared')
module.exports.heavyLoadSharedSync = synchronous('heavyLoadShared')
module.exports.heavyLoadSharedAsync = asynchronous('heavyLoadShared')

module.exports.spin = pooled('spin')
module.exports.spinSync = synchronous('spin')
module.exports.spinAsync = asynchronous('spin')

module.exports.hash = pooled('hash')
module.exports.hashSync = synchronous('hash')
module.exports.hashAsync = asynchronous('hash')

module.exports.sort = pooled('sort')
module.exports.sortSync = synchronous('sort')
module.exports.sortAsync = asynchronous('sort')
// end of generated: kernels

// By Reflect: of a getter that Object defines it takes the name away again.
Reflect.defineProperty(module.exports, 'FrozenBuffer', { get: () => require('./lib/buffers.js').FrozenBuffer })
