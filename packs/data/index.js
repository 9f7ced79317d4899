'use strict'

const { packForms } = require('../../lib/plugins.js')

const { topK, topKAsync, topKSync } = packForms('data')

module.exports = { topK, topKAsync, topKSync }
