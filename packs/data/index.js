'use strict'

const { packForms } = require('../../lib/plugins.js')

const { queryJson, queryJsonAsync, queryJsonSync, topK, topKAsync, topKSync } = packForms('data')

module.exports = { queryJson, queryJsonAsync, queryJsonSync, topK, topKAsync, topKSync }
