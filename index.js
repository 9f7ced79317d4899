'use strict'

const { FrozenBuffer, freeze } = require('./lib/buffers.js')
const { HeavyLoadError } = require('./lib/errors.js')
const { Pool, defaultPool } = require('./lib/pool/index.js')

module.exports = { FrozenBuffer, HeavyLoadError, Pool, defaultPool, freeze, ...require('./lib/kernels.js') }
