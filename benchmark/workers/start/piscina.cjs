'use strict'

const start = performance.now()
const { Piscina } = require('piscina')
const loaded = performance.now() - start

const filename = require.resolve('../tasks.cjs')
const threads = Number(process.argv[2])
const pool = new Piscina({ filename, minThreads: threads, maxThreads: threads })
pool.run(0, { name: 'empty' }).then(() => {
  console.log(loaded)
  process.exit()
})
