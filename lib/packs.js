'use strict'

/**
 * Packs: plug-ins of our own, in packs/, each with an entry `heavy-load/NAME`. One is loaded when its entry is, or when a kernel of it is
 * first asked for by name: on a pool, on the command line, by a job of another machine.
 */

const { existsSync } = require('node:fs')
const { join } = require('node:path')
const { makeError, toError } = require('./errors.js')
const { folder, loadPlugin } = require('./native.js')

/**
 * Loads a pack, once a process.
 * @param {string} pack
 * @returns {string[]} the names of its kernels
 */
function loadPack(pack) {
  if (!isThere(pack)) {
    throw makeError(
      'ERR_PLUGIN_LOAD',
      `heavy-load/${pack} has no binary here. In a checkout: run \`npm run build -- ${pack}\`, which needs Rust`,
    )
  }
  let names
  try {
    names = loadPlugin(fileOf(pack))
  } catch (failure) {
    throw toError(failure, 'call')
  }
  for (const [kernel, of] of require('./pack-kernels.js')) {
    if (of === pack && !names.includes(kernel)) {
      throw makeError('ERR_PLUGIN_LOAD', `packs/${pack}/${pack}.node is not of this version: it has no ${kernel}`)
    }
  }
  return names
}

/**
 * The pack that a kernel is of, if it is of one.
 * @param {string} kernel
 * @returns {string | undefined}
 */
function packOf(kernel) {
  return require('./pack-kernels.js').get(kernel)
}

/** Loads all packs that are here, for those who list what there is. */
function loadPacks() {
  for (const pack of new Set(require('./pack-kernels.js').values())) if (isThere(pack)) loadPack(pack)
}

/** @param {string} pack */
function isThere(pack) {
  return existsSync(fileOf(pack))
}

/**
 * Built beside its entry, or in the package for this platform, where the addon is.
 * @param {string} pack
 */
function fileOf(pack) {
  const file = join(__dirname, '..', 'packs', pack, `${pack}.node`)
  return existsSync(file) ? file : join(folder, `${pack}.node`)
}

module.exports = { isThere, loadPack, loadPacks, packOf }
