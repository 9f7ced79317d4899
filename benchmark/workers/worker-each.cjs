'use strict'

const { parentPort, workerData } = require('node:worker_threads')
const tasks = require('./tasks.cjs')

parentPort.postMessage(tasks[workerData.task](workerData.input))
