'use strict'

/** What stands for INPUT, as its kernel takes it. */

const { TYPED_ARRAYS } = require('../buffers.js')
const { UsageError } = require('./errors.js')
const { isFile, readFile, readStdin } = require('./read.js')

/**
 * By what the kernel takes: a number, numbers, a string, or bytes.
 * @param {string} text
 * @param {ReturnType<typeof import('../catalog.js').descriptions>[number]} kernel
 * @param {import('./read.js').Bounds} bounds of what is read
 * @returns {Promise<any>}
 */
async function inputOf(text, { name, inputType, typeParameter }, bounds) {
  // What is none, the kernel refuses.
  if (inputType === 'number') return numberOf(text) ?? text
  const takesAny = typeParameter.startsWith(`${inputType} extends `)
  const takesNumbers = takesAny || Object.hasOwn(TYPED_ARRAYS, inputType)
  if (text === '-' || text.startsWith('@')) {
    const bytes = await (text === '-' ? readStdin(bounds) : readFile(text.slice(1), bounds))
    if (inputType === 'string') return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
    return takesNumbers && !takesAny ? viewOf(bytes, inputType) : bytes
  }
  if (inputType === 'string') return text
  if (takesNumbers) return numbersOf(text, name, TYPED_ARRAYS[inputType] ?? Float64Array)
  const isThere = isFile(text)
  if (isThere || looksLikePath(text)) {
    const problem = isThere ? 'is the name of a file' : 'looks like the path of a file, and there is none'
    throw new UsageError(
      `'${text}' ${problem}: @${text} is what is in it. The text itself can come from standard input: -`,
    )
  }
  return Buffer.from(text)
}

/**
 * Whether a text looks like the path of a file: it begins as paths do, or has folders and an extension. To hash such a text, since the file
 * is not there, is hardly what was wanted.
 * @param {string} text
 */
function looksLikePath(text) {
  if (text.includes('\n') || text.includes('://')) return false
  return /^(?:~|\.{1,2})?[\\/]./.test(text) || /^[a-z]:[\\/]/i.test(text) || /^\S+[\\/][^\s\\/]+\.\w{1,8}$/.test(text)
}

/**
 * @param {string} text
 * @returns {number | undefined}
 */
function numberOf(text) {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  return Number.isNaN(value) && text.trim() !== 'NaN' ? undefined : value
}

/**
 * @param {string} text a list
 * @param {string} kernel
 * @param {any} View a typed array's class
 */
function numbersOf(text, kernel, View) {
  const [, list] = /^\s*\[(.*)\]\s*$/s.exec(text) ?? []
  const words = list === undefined || list.trim() === '' ? [] : list.split(',')
  const numbers = words.map((word) => numberOf(word))
  if (list === undefined || numbers.includes(undefined)) {
    throw new UsageError(`${kernel} takes a list of numbers, such as '[3, 1, 2]', or bytes: @FILE or -`)
  }
  const view = View.from(numbers)
  // Zeros are the same, whatever their sign.
  if (numbers.some((number, at) => view[at] !== number && !Object.is(view[at], number))) {
    throw new UsageError(`A number of INPUT is none of a ${View.name}`)
  }
  return view
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {string} type a typed array's
 */
function viewOf(bytes, type) {
  const View = TYPED_ARRAYS[type]
  const { buffer, byteOffset, byteLength } = bytes
  const length = byteLength / View.BYTES_PER_ELEMENT
  if (!Number.isInteger(length)) throw new UsageError(`The ${byteLength} bytes of INPUT are no ${type}`)
  return new View(buffer, byteOffset, length)
}

module.exports = { inputOf, numberOf }
