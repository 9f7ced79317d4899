'use strict'

/** The numbers that the addon knows too (src/constants.rs): read from it once. */

module.exports = require('./native.js').constants()
