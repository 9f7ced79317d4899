'use strict'

const { RemotePool } = require('./remote/pool.js')
const { startWorker } = require('./remote/worker.js')

module.exports = { RemotePool, startWorker }
