'use strict'

const { basename, resolve } = require('node:path')
const { descriptions, numberOf } = require('../catalog.js')
const { loadKernels } = require('../plugins.js')
const { parse } = require('./arguments.js')
const { moduleOf } = require('./declarations.js')
const { UsageError } = require('./errors.js')

const USAGE = `Usage: heavy-load types FILE

Writes the TypeScript types of a plug-in's kernels to standard output. It loads the plug-in, whose code runs.
`

/** @param {string[]} args */
async function main(args) {
  const { positionals } = parse(args, {})
  const [file, ...others] = positionals
  if (file === undefined || others.length > 0) throw new UsageError('types takes one file')
  const names = Object.values(loadKernels(resolve(file))).map((form) => /** @type {any} */ (form).kernel)
  const all = descriptions()
  const specs = [...new Set(names)].map((name) => all[numberOf(name)])
  process.stdout.write(moduleOf(specs, `Types of the kernels in ${basename(file)}, by 'heavy-load types'.`))
}

module.exports = { main, usage: () => USAGE }
