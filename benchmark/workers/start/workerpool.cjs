'use strict'

const start = performance.now()
const workerpool = require('workerpool')
const loaded = performance.now() - start

const threads = Number(process.argv[2])
const pool = workerpool.pool(require.resolve('../workerpool.cjs'), { maxWorkers: threads, workerType: 'thread' })
pool.exec('empty', []).then(() => {
  console.log(loaded)
  process.exit()
})
