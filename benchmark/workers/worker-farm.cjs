'use strict'

// worker-farm calls every function with a callback as the last argument.

const tasks = require('./tasks.cjs')

for (const [name, task] of Object.entries(tasks)) {
  module.exports[name] = (input, done) => done(null, task(input))
}
