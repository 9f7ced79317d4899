'use strict'

require('workerpool').worker(require('./tasks.cjs'))
