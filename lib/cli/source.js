'use strict'

/** Where a crate that `new` makes has heavy-load from: what its package.json and its Cargo.toml say, and how it comes there. */

const { spawnSync } = require('node:child_process')
const { existsSync, mkdirSync, realpathSync, symlinkSync } = require('node:fs')
const { dirname, join, relative } = require('node:path')

/** @type {{ version: string, optionalDependencies?: object }} */
const description = require('../../package.json')
const { version } = description
const ROOT = join(__dirname, '../..')
const OWN = 'node_modules/heavy-load'
/** What is published names the packages with its binaries; a tarball that `npm pack` makes of a checkout has them itself. */
const isPublished = description.optionalDependencies !== undefined
/** No package has this folder. */
const isCheckout = existsSync(join(ROOT, 'crates/engine'))

/**
 * @typedef {object} Source
 * @property {string} specifier for npm
 * @property {string} folder of the package, from the crate's
 * @property {string} note for the crate's README.md
 * @property {boolean} isThere whether nothing has to be installed
 * @property {() => void} install
 */

/**
 * @param {string} target the crate's folder, which is there
 * @returns {Source}
 */
function sourceFor(target) {
  // What is relative to a link is not relative to where it leads.
  const crate = realpathSync(target)
  const around = packageAround(crate)
  const folder = around === undefined ? OWN : pathFrom(crate, around)
  return {
    // What a checkout is called in a registry, it cannot know.
    specifier: isCheckout ? `file:${pathFrom(crate, ROOT)}` : `^${version}`,
    folder,
    note: noteOn(folder),
    isThere: around !== undefined,
    install: () => (isPublished ? npmInstall(crate) : link(crate)),
  }
}

/**
 * The package that runs, where a project around the crate has it: one copy for both, and so one pool.
 * @param {string} crate
 */
function packageAround(crate) {
  for (let below = crate, above = dirname(below); above !== below; below = above, above = dirname(below)) {
    const found = join(above, OWN)
    if (existsSync(found) && realpathSync(found) === ROOT) return found
  }
  return undefined
}

/**
 * What is to be done elsewhere, and later.
 * @param {string} folder of the package
 */
function noteOn(folder) {
  const lines = []
  if (folder !== OWN) {
    lines.push(
      `heavy-load is that of the project around this folder, \`${folder}\`: both use one pool. Without that project, install it here, and have Cargo.toml name \`${OWN}/crates/kernel\`.`,
    )
  } else if (!isPublished) {
    lines.push(`\`${OWN}\` is a link to the package that has made this folder: remove it before you install another.`)
  }
  if (isCheckout) {
    lines.push(
      `package.json names a checkout by its path. Once heavy-load is on npm, \`npm install heavy-load@^${version}\` writes the version there.`,
    )
  } else if (isPublished) {
    lines.push('`npm install` installs heavy-load.')
  } else {
    lines.push(
      `Until heavy-load ${version} is on npm, \`npm install --no-save PATH/heavy-load-${version}.tgz\` installs it from its tarball; from then on \`npm install\`.`,
    )
  }
  return lines.map((line) => `- ${line}`).join('\n')
}

/**
 * There is nothing to ask a registry for, which may not have it.
 * @param {string} crate
 */
function link(crate) {
  const path = join(crate, OWN)
  mkdirSync(dirname(path), { recursive: true })
  // On Windows, a junction needs no rights.
  symlinkSync(relative(dirname(path), ROOT), path, 'junction')
}

/** @param {string} crate */
function npmInstall(crate) {
  const flags = ['install', '--no-audit', '--no-fund', '--loglevel=error']
  const { status, error } = spawnSync('npm', flags, {
    cwd: crate,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (status !== 0) {
    throw new Error(
      `'npm install' failed in '${crate}'${error === undefined ? '' : ` (${error.message})`}. Run it there, and then npm test`,
    )
  }
}

/**
 * As npm and cargo write paths, on every system.
 * @param {string} from
 * @param {string} to
 */
function pathFrom(from, to) {
  return relative(from, to).replaceAll('\\', '/')
}

module.exports = { sourceFor }
