'use strict'

/**
 * Why no addon could be loaded, and what helps: one message for each cause. Loaded only then. It asks nothing of the other modules, most of
 * which need the addon.
 */

const { existsSync, readFileSync, readdirSync } = require('node:fs')
const { basename, dirname, join } = require('node:path')

/** What the names of the packages begin with that have a binary each. */
const PREFIX = 'heavy-load-'
/** Where this package is. */
const root = join(__dirname, '..')

/**
 * @param {string[]} targets that were tried, such as 'linux-x64-gnu'
 * @param {any[]} failures of each
 * @returns {Error}
 */
function noBinary(targets, failures) {
  const cause = failures.length === 1 ? failures[0] : new AggregateError(failures)
  return new Error(`heavy-load cannot be loaded: ${reason(targets, failures)}`, { cause })
}

/**
 * @param {string[]} targets
 * @param {any[]} failures
 */
function reason(targets, failures) {
  const codes = failures.map((failure) => failure?.code)
  const { permission } = /** @type {any} */ (process)
  if (codes.includes('ERR_DLOPEN_DISABLED') || process.execArgv.includes('--no-addons')) {
    return permission === undefined
      ? 'this process must not load native addons. Start Node.js without --no-addons (see NODE_OPTIONS, too).'
      : "this process must not load native addons. Start Node.js with --allow-addons beside the permission model's other options."
  }
  if (codes.includes('ERR_ACCESS_DENIED')) {
    return `this process must not read ${root}. Start Node.js with --allow-fs-read=${root} and --allow-addons.`
  }
  const own = ownPackage()
  if (own === undefined) {
    return (
      `its code runs in ${__filename}, into which a bundler has put it, without its binary. ` +
      "Have the bundler leave the package 'heavy-load' external, and install it beside the bundle (docs/guides/bundlers.md)."
    )
  }
  const broken = failures.find((failure) => failure?.code === 'ERR_DLOPEN_FAILED')
  if (broken !== undefined) return unloadable(String(broken.message))
  if (existsSync(join(root, 'Cargo.toml'))) {
    return 'this is a checkout, and nothing is built. Run `npm run setup`, which needs Rust 1.89 or later (https://rustup.rs).'
  }
  return missing(targets, own)
}

/**
 * This package's description; none where its files have been taken out of it.
 * @returns {any}
 */
function ownPackage() {
  if (basename(__filename) !== 'no-binary.js') return undefined
  try {
    // Read, since bundlers take along what is required.
    const description = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    return description.name === 'heavy-load' ? description : undefined
  } catch {
    return undefined
  }
}

/** @param {string} message of the system's loader */
function unloadable(message) {
  const [, wanted] = /GLIBC_([\d.]+)' not found/.exec(message) ?? []
  if (wanted !== undefined) {
    return `its binary needs glibc ${wanted} or later, and this system has ${glibcVersion() ?? 'none'}. Use a newer system or base image.`
  }
  if (process.platform === 'linux' && glibcVersion() === undefined) {
    return (
      'its binary is for glibc, and this system has musl (Alpine). Run `npm install` in the image that runs the server, and copy no node_modules ' +
      `from another. The system says: ${message}`
    )
  }
  return `its binary is there, and the system does not load it: ${message}`
}

/** @returns {string | undefined} */
function glibcVersion() {
  const { header } = /** @type {any} */ (process.report.getReport())
  return header.glibcVersionRuntime
}

/**
 * @param {string[]} targets
 * @param {any} own
 */
function missing(targets, own) {
  const here = `${process.platform}-${process.arch}`
  const all = Object.keys(own.optionalDependencies ?? {}).filter((name) => name.startsWith(PREFIX))
  if (all.length === 0)
    return 'this copy of the package was packed without its binary, and without the packages that have them.'
  const names = targets.map((target) => PREFIX + target).filter((name) => all.includes(name))
  if (names.length === 0) {
    const platforms = all.map((name) => name.slice(PREFIX.length))
    return `there is no binary for ${here}. There are for ${platforms.join(', ')}. On others it can be built from a checkout, with Rust.`
  }
  const abi = glibcVersion() === undefined ? '-musl' : '-gnu'
  const wanted = names.find((name) => name.endsWith(abi)) ?? names.join(' or ')
  const others = installed().filter((name) => name !== wanted)
  if (others.length > 0) {
    return (
      `the package ${wanted} is not installed, but ${others.join(', ')} is: node_modules was made on another platform. Run \`npm install\` or ` +
      '`npm ci` where the server runs, and copy no node_modules from elsewhere.'
    )
  }
  return (
    `the package ${wanted}, which has the binary for ${here}, is not installed. Optional dependencies may have been left out (--omit=optional, ` +
    '--no-optional): run `npm install --include=optional`. Or the lockfile was made on another platform by an npm that forgot the others: remove ' +
    'node_modules and package-lock.json, and run `npm install`.'
  )
}

/** The packages for platforms that are there, wherever this package's dependencies are looked for. */
function installed() {
  const folders = require.resolve.paths('heavy-load') ?? []
  return [...new Set([dirname(root), ...folders])].flatMap((folder) => {
    try {
      return readdirSync(folder).filter((name) => /^heavy-load-(?:linux|darwin|win32)-/.test(name))
    } catch {
      return []
    }
  })
}

module.exports = { noBinary }
