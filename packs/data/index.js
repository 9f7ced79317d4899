'use strict'

const { packForms } = require('../../lib/plugins.js')

const { convertTable, convertTableAsync, convertTableSync } = packForms('data')
const { queryJson, queryJsonAsync, queryJsonSync } = packForms('data')
const { topK, topKAsync, topKSync } = packForms('data')

module.exports = {
  convertTable,
  convertTableAsync,
  convertTableSync,
  queryJson,
  queryJsonAsync,
  queryJsonSync,
  topK,
  topKAsync,
  topKSync,
}
