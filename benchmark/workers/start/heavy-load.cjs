'use strict'

const start = performance.now()
const { heavyLoad } = require('../../../index.js')
const loaded = performance.now() - start

heavyLoad(0).then(() => {
  console.log(loaded)
})
