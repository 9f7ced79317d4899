'use strict'

/** Whose code a frame of a CPU profile is. */

const { fileURLToPath } = require('node:url')

/**
 * @typedef {object} CallFrame as the inspector has it: lines count from 0
 * @property {string} functionName
 * @property {string} url
 * @property {number} lineNumber
 * @property {number} [columnNumber]
 *
 * @typedef {object} Frame
 * @property {'own' | 'package' | 'node' | 'native' | 'doctor' | 'idle' | 'program' | 'collector' | 'root'} kind `native`: code without a file, of
 *   V8, of an addon or of WebAssembly; `doctor`: around a native function, by natives.js
 * @property {string} name of the function
 * @property {string} file the path, or for Node's own modules `node:...`; empty for native code
 * @property {number} line where the function begins, from 1; 0 if there is none
 * @property {string | undefined} package
 * @property {boolean} isModule the module's own code, outside its functions
 */

/** @type {Record<string, Frame['kind']>} */
const SPECIAL = { '(idle)': 'idle', '(program)': 'program', '(garbage collector)': 'collector', '(root)': 'root' }

/**
 * @param {CallFrame} callFrame
 * @param {(file: string) => boolean} isDoctor
 * @returns {Frame}
 */
function frameOf({ functionName, url, lineNumber, columnNumber }, isDoctor) {
  const file = fileOf(url)
  const isModule = functionName === '' && lineNumber === 0 && (columnNumber ?? 0) <= 0
  const frame = { name: functionName, file, line: lineNumber + 1, package: packageOf(file), isModule }
  if (file === '') return { ...frame, kind: SPECIAL[functionName] ?? 'native', isModule: false }
  if (file.startsWith('node:')) return { ...frame, kind: 'node', isModule: false }
  if (isDoctor(file)) return { ...frame, kind: 'doctor' }
  return { ...frame, kind: frame.package === undefined ? 'own' : 'package' }
}

/**
 * The path of what a profile or a stack names; empty for what has none.
 * @param {string} url
 */
function fileOf(url) {
  if (url.startsWith('file:')) {
    try {
      return fileURLToPath(url)
    } catch {
      return url
    }
  }
  return url.startsWith('wasm:') ? '' : url
}

/**
 * The nearest package that a file is of. pnpm's folders have several node_modules within each other.
 * @param {string} file
 * @returns {string | undefined}
 */
function packageOf(file) {
  const parts = file.split(/[\\/]/)
  const at = parts.lastIndexOf('node_modules')
  if (at === -1 || at + 2 >= parts.length) return undefined
  const name = parts[at + 1]
  return name.startsWith('@') ? `${name}/${parts[at + 2]}` : name
}

module.exports = { fileOf, frameOf, packageOf }
