'use strict'

const { FrozenBuffer, freeze } = require('./lib/buffers.js')
const { HeavyLoadError } = require('./lib/errors.js')
const { kernel } = require('./lib/pool/forms.js')
const { Pool, defaultPool } = require('./lib/pool/index.js')

module.exports = {
  FrozenBuffer,
  HeavyLoadError,
  Pool,
  defaultPool,
  freeze,
  kernel,
  /** @param {any} path */
  loadKernels(path) {
    // Loaded when it is needed, as few need it.
    return require('./lib/plugins.js').loadKernels(path)
  },
  ...require('./lib/kernels.js'),
}
