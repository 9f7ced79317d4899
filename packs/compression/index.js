'use strict'

const { packForms } = require('../../lib/plugins.js')

const { compress, compressAsync, compressSync, decompress, decompressAsync, decompressSync } = packForms('compression')

module.exports = { compress, compressAsync, compressSync, decompress, decompressAsync, decompressSync }
