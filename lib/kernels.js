'use strict'

// Generated from the registry in crates/kernels by `npm run generate`.

const { asynchronous, pooled, synchronous } = require('./pool/forms.js')

exports.heavyLoad = pooled('heavyLoad')
exports.heavyLoadSync = synchronous('heavyLoad')
exports.heavyLoadAsync = asynchronous('heavyLoad')

exports.heavyLoadShared = pooled('heavyLoadShared')
exports.heavyLoadSharedSync = synchronous('heavyLoadShared')
exports.heavyLoadSharedAsync = asynchronous('heavyLoadShared')

exports.spin = pooled('spin')
exports.spinSync = synchronous('spin')
exports.spinAsync = asynchronous('spin')

exports.hash = pooled('hash')
exports.hashSync = synchronous('hash')
exports.hashAsync = asynchronous('hash')

exports.sort = pooled('sort')
exports.sortSync = synchronous('sort')
exports.sortAsync = asynchronous('sort')
