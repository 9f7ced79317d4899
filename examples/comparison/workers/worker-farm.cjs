'use strict'

const { count } = require('../lib/count.cjs')

module.exports = {
  compute({ iterations }, callback) {
    callback(null, { answer: count(iterations) })
  },
}
