'use strict'

// What every program of this folder does, without a pool: it starts, has an empty task done, and prints how many
// milliseconds loading its package took.

console.log(0)
