'use strict'

/**
 * The addon: beside this package, where it was built or came with it, or in a package of its own for the platform. Which C library a
 * Linux has is found out by trying: to ask the system takes longer than everything else here.
 */

const { existsSync } = require('node:fs')
const { dirname, join } = require('node:path')

const { platform, arch } = process
const ABIS = platform === 'linux' ? ['-gnu', '-musl'] : platform === 'win32' ? ['-msvc'] : ['']
const root = join(__dirname, '..')
/** Where it was found. */
let folder = root

/** @returns {typeof import('../native.d.ts')} */
function load() {
  // For tests of the addon, as the loaders that napi-rs generates have it.
  const named = process.env.NAPI_RS_NATIVE_LIBRARY_PATH
  if (named) return require(named)
  const targets = ABIS.map((abi) => `${platform}-${arch}${abi}`)
  const failures = []
  for (const target of targets) {
    const file = join(root, `heavy-load.${target}.node`)
    try {
      const found = existsSync(file) ? file : require.resolve(`heavy-load-${target}`)
      const addon = require(found)
      folder = dirname(found)
      return addon
    } catch (error) {
      failures.push(error)
    }
  }
  throw require('./no-binary.js').noBinary(targets, failures)
}

const addon = load()

module.exports = {
  ...addon,
  /** Where the binaries of packs are, if they are not beside their entries. */
  folder,
  /** The numbers that the addon knows too (src/constants.rs): read from it once. */
  constants: addon.constants(),
}
