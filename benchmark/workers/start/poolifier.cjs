'use strict'

const start = performance.now()
const { FixedThreadPool } = require('poolifier')
const loaded = performance.now() - start

const threads = Number(process.argv[2])
const pool = new FixedThreadPool(threads, require.resolve('../poolifier.mjs'))
pool.execute(0, 'empty').then(() => {
  console.log(loaded)
  process.exit()
})
