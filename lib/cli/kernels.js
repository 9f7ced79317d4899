'use strict'

/** `--kernels FILE`: plug-ins whose kernels a command is to have, too. */

const { resolve } = require('node:path')
const { parseArgs } = require('node:util')

const OPTION = /** @type {const} */ ({ kernels: { type: 'string', multiple: true } })

/**
 * Loads the plug-ins that are named in arguments, before the rest of these is read: kernels have options of their own.
 * @param {string[]} args
 */
function loadNamed(args) {
  const { values } = parseArgs({ args, options: OPTION, strict: false, allowPositionals: true })
  loadFiles(values.kernels)
}

/** @param {unknown} files relative to the working directory, or absolute */
function loadFiles(files) {
  if (!Array.isArray(files)) return
  const { loadKernels } = require('../plugins.js')
  for (const file of files) if (typeof file === 'string') loadKernels(resolve(file))
}

module.exports = { OPTION, loadFiles, loadNamed }
