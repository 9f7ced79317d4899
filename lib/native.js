'use strict'

/**
 * The addon: beside this package, where it was built or came with it, or in a package of its own for the platform. Which C library a
 * Linux has is found out by trying: to ask the system takes longer than everything else here.
 */

const { existsSync } = require('node:fs')
const { join } = require('node:path')

const { platform, arch } = process
const ABIS = platform === 'linux' ? ['-gnu', '-musl'] : platform === 'win32' ? ['-msvc'] : ['']
const root = join(__dirname, '..')

/** @returns {typeof import('../native.d.ts')} */
function load() {
  // For tests of the addon, as the loaders that napi-rs generates have it.
  const named = process.env.NAPI_RS_NATIVE_LIBRARY_PATH
  if (named) return require(named)
  /** @type {unknown[]} */
  const failures = []
  for (const abi of ABIS) {
    const target = `${platform}-${arch}${abi}`
    const file = join(root, `heavy-load.${target}.node`)
    try {
      return require(existsSync(file) ? file : `heavy-load-${target}`)
    } catch (error) {
      failures.push(error)
    }
  }
  throw new Error(
    [
      `heavy-load has no binary for ${platform}-${arch} that loads here.`,
      '- Installed from npm: this version may not be built for your platform; see its README for those it is built for.',
      '- In a checkout: run `npm run setup`, which needs Rust 1.89 or later (https://rustup.rs).',
      `- Node.js ${process.version} must be of the same platform as the binary (musl and glibc differ).`,
    ].join('\n'),
    { cause: failures.length === 1 ? failures[0] : new AggregateError(failures) },
  )
}

const addon = load()

module.exports = {
  ...addon,
  /** The numbers that the addon knows too (src/constants.rs): read from it once. */
  constants: addon.constants(),
}
