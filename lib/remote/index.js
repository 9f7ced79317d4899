'use strict'

const { RemotePool } = require('./pool.js')
const { startWorker } = require('./worker.js')

module.exports = { RemotePool, startWorker }
