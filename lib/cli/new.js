'use strict'

const { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } = require('node:fs')
const { basename, dirname, join, resolve } = require('node:path')
const { parse } = require('./arguments.js')
const { UsageError } = require('./errors.js')
const { sourceFor } = require('./source.js')

const USAGE = `Usage: heavy-load new FOLDER [--no-install]

Makes a crate with one kernel in Rust, its tests in Rust and in JavaScript, and a script that builds it, in a folder that is empty or
not there yet. Then: cd FOLDER && npm test

Options:
  --no-install    leaves it to you to install heavy-load there
`

const TEMPLATE = join(__dirname, '../../templates/kernel')

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
  mkdirSync(target, { recursive: true })
  const { specifier, folder: heavyLoad, note, isThere, install } = sourceFor(target)
  for (const file of readdirSync(TEMPLATE, { recursive: true, encoding: 'utf8' })) {
    const from = join(TEMPLATE, file)
    if (statSync(from).isDirectory()) continue
    const text = readFileSync(from, 'utf8')
      .replaceAll('__NAME__', name)
      .replaceAll('__HEAVY_LOAD__', heavyLoad)
      .replaceAll('__NOTE__', note)
    write(join(target, file), text)
  }
  write(join(target, 'package.json'), `${JSON.stringify(manifest(name, specifier), undefined, 2)}\n`)
  write(join(target, '.gitignore'), 'node_modules/\ntarget/\n*.node\n')
  if (!isThere && !values['no-install']) install()
  const next = !isThere && values['no-install'] ? 'npm install && npm test' : 'npm test'
  process.stdout.write(`${folder}: a crate '${name}' with one kernel. Next: cd ${folder} && ${next}\n`)
}

/**
 * @param {string} name
 * @param {string} specifier of heavy-load
 */
function manifest(name, specifier) {
  return {
    name,
    version: '0.1.0',
    private: true,
    type: 'module',
    exports: { types: './index.d.ts', default: './index.mjs' },
    files: ['index.mjs', 'index.d.ts', 'kernels.*.node'],
    scripts: { build: 'node build.mjs', test: 'node build.mjs && cargo test --quiet && node --test test.mjs' },
    dependencies: { 'heavy-load': specifier },
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
