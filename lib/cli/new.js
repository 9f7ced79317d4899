'use strict'

const { spawnSync } = require('node:child_process')
const { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } = require('node:fs')
const { basename, dirname, join, relative, resolve } = require('node:path')
const { parse } = require('./arguments.js')
const { UsageError } = require('./errors.js')

const USAGE = `Usage: heavy-load new FOLDER [--no-install]

Makes a crate with one kernel in Rust, its tests in Rust and in JavaScript, and a script that builds it, in a folder that is empty or
not there yet. Then: cd FOLDER && npm test

Options:
  --no-install    does not run 'npm install' there
`

const ROOT = join(__dirname, '../..')
const TEMPLATE = join(ROOT, 'templates/kernel')

/** @param {string[]} args */
async function main(args) {
  const { values, positionals } = parse(args, { 'no-install': { type: 'boolean' } })
  const [folder, ...others] = positionals
  if (folder === undefined || others.length > 0) throw new UsageError('new takes one folder')
  const target = resolve(folder)
  if (existsSync(target) && (!statSync(target).isDirectory() || readdirSync(target).length > 0)) {
    throw new UsageError(`'${folder}' is not an empty folder`)
  }
  const name = crateName(basename(target))
  for (const file of readdirSync(TEMPLATE, { recursive: true, encoding: 'utf8' })) {
    const from = join(TEMPLATE, file)
    if (statSync(from).isDirectory()) continue
    write(join(target, file), readFileSync(from, 'utf8').replaceAll('__NAME__', name))
  }
  write(join(target, 'package.json'), `${JSON.stringify(manifest(name, target), undefined, 2)}\n`)
  write(join(target, '.gitignore'), 'node_modules/\ntarget/\n*.node\n')
  if (!values['no-install']) install(target)
  process.stdout.write(`${folder}: a crate '${name}' with one kernel. Next: cd ${folder} && npm test\n`)
}

/**
 * @param {string} name
 * @param {string} target
 */
function manifest(name, target) {
  return {
    name,
    version: '0.1.0',
    private: true,
    type: 'module',
    exports: { types: './index.d.ts', default: './index.mjs' },
    files: ['index.mjs', 'index.d.ts', 'kernels.*.node'],
    scripts: { build: 'node build.mjs', test: 'node build.mjs && cargo test --quiet && node --test test.mjs' },
    // The package that runs: what it is called in a registry, it cannot know.
    dependencies: { 'heavy-load': `file:${relative(target, ROOT).replaceAll('\\', '/')}` },
  }
}

/** @param {string} target */
function install(target) {
  const flags = ['install', '--no-audit', '--no-fund', '--loglevel=error']
  const { status, error } = spawnSync('npm', flags, {
    cwd: target,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (status !== 0) {
    throw new Error(
      `'npm install' failed in '${target}'${error === undefined ? '' : ` (${error.message})`}. Run it there, and then npm test`,
    )
  }
}

/**
 * A name that cargo and npm take.
 * @param {string} text
 */
function crateName(text) {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
  // Names that a crate cannot have, or a package should not.
  return name === '' || ['test', 'core', 'std', 'self', 'super', 'crate', 'heavy-load'].includes(name)
    ? `${name || 'own'}-kernels`
    : name
}

/**
 * @param {string} file
 * @param {string} text
 */
function write(file, text) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

module.exports = { main, usage: () => USAGE }
