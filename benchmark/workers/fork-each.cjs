'use strict'

const tasks = require('./tasks.cjs')

const [task, input] = process.argv.slice(2)
// Whoever asked may be gone by now: then the answer is too late, and no error.
process.send(tasks[task](Number(input)), () => process.disconnect?.())
