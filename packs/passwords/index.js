'use strict'

const { packForms } = require('../../lib/plugins.js')

const {
  hashPassword,
  hashPasswordAsync,
  hashPasswordSync,
  needsRehashSync,
  verifyPassword,
  verifyPasswordAsync,
  verifyPasswordSync,
} = packForms('passwords')

module.exports = {
  hashPassword,
  hashPasswordAsync,
  hashPasswordSync,
  // It takes microseconds: there is nothing to offload.
  needsRehash: needsRehashSync,
  verifyPassword,
  verifyPasswordAsync,
  verifyPasswordSync,
}
