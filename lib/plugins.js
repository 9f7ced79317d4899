'use strict'

/** Kernels of plug-ins: dynamic libraries, as include/heavy_load.h and docs/guides/own-kernels.md have them. */

const { isAbsolute } = require('node:path')
const { fileURLToPath } = require('node:url')
const { invalidType, invalidValue, toError } = require('./errors.js')
const { loadPlugin } = require('./native.js')
const { loadPack } = require('./packs.js')
const { asynchronous, pooled, synchronous } = require('./pool/forms.js')

/**
 * Loads a library of kernels, once a process; gives its kernels in their three forms, by name.
 * @param {any} path absolute, or a file: URL
 * @returns {Record<string, Function>}
 */
function loadKernels(path) {
  const file = fileOf(path)
  let names
  try {
    names = loadPlugin(file)
  } catch (failure) {
    throw toError(failure, 'call')
  }
  return formsOf(names)
}

/**
 * The kernels of a pack in their three forms, by name.
 * @param {string} pack
 */
function packForms(pack) {
  return formsOf(loadPack(pack))
}

/**
 * @param {string[]} names
 * @returns {Record<string, Function>}
 */
function formsOf(names) {
  /** @type {Record<string, Function>} */
  const kernels = {}
  for (const name of names) {
    kernels[name] = pooled(name)
    kernels[`${name}Sync`] = synchronous(name)
    kernels[`${name}Async`] = asynchronous(name)
  }
  return kernels
}

/**
 * @param {any} path
 * @returns {string}
 */
function fileOf(path) {
  // Of any make: test environments have a class of their own.
  const href = typeof path?.href === 'string' ? path.href : path
  if (typeof href === 'string' && (href !== path || href.startsWith('file:'))) {
    try {
      return fileURLToPath(href)
    } catch {
      throw invalidValue('path', 'must be an absolute path or a file: URL', path)
    }
  }
  if (typeof path !== 'string') throw invalidType('path', 'of type string or an instance of URL', path)
  if (!isAbsolute(path) || path.includes('\0')) {
    const why = 'must be an absolute path or a file: URL: a relative one would depend on where the process was started'
    throw invalidValue('path', why, path)
  }
  return path
}

module.exports = { loadKernels, packForms }
