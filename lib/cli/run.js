'use strict'

const { once } = require('node:events')
const { readFile } = require('node:fs/promises')
const { constants } = require('node:os')
const { buffer } = require('node:stream/consumers')
const { parseArgs } = require('node:util')
const { CLASSES } = require('../buffers.js')
const { kernels } = require('../native.js')
const { LONGEST_TIMER } = require('../options.js')
const { integer, parse } = require('./arguments.js')
const { UsageError } = require('./errors.js')
const { progressBar } = require('./progress.js')
const redis = require('./redis.js')

/** @typedef {ReturnType<typeof kernels>[number]} Kernel */

const OPTIONS = /** @type {const} */ ({ ...redis.OPTIONS, timeout: { type: 'string' } })
/** What a terminal is shown of a long result. */
const SHOWN_BYTES = 256
const SHOWN_NUMBERS = 100
/** Numbers that are written at once. */
const BLOCK = 10_000

function usage() {
  const lines = kernels().flatMap(({ name, summary, options }) => [
    `  ${name.padEnd(15)}  ${summary}`,
    ...options.map(({ name, tsType }) => `      --${name} ${tsType.replaceAll("'", '').replaceAll(' | ', '|')}`),
  ])
  return `Usage: heavy-load run KERNEL INPUT [options]

Runs a kernel once and writes its result to standard output: bytes as they are, or in hexadecimal digits to a terminal.

INPUT is
  a number           1e9
  a list of numbers  '[3, 1, 2]'
  @FILE              the bytes of a file
  -                  the bytes of standard input
  any other text     its bytes, in UTF-8

Kernels and their options:
${lines.join('\n')}

Options:
  --timeout MS    how long it may take
  --redis URL     runs it on workers; default REDIS_URL, else redis://127.0.0.1:6379, where --queue or --prefix is given
  --queue NAME    of those workers; default heavy-load
  --prefix TEXT   of the queue's keys in Redis; default bull
`
}

/** @param {string[]} args */
async function main(args) {
  const { kernel, text, values } = read(args)
  const timeout = integer(values, 'timeout', 1, LONGEST_TIMER)
  const pool = poolOf(values)
  const input = await inputOf(text, kernel)
  const controller = new AbortController()
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    // Once: the second time ends the process as usual.
    process.once(signal, () => {
      process.exitCode = 128 + constants.signals[signal]
      controller.abort()
    })
  }
  const { onProgress, clear } = progressBar()
  const own = Object.fromEntries(kernel.options.map(({ name }) => [name, optionOf(values[name])]))
  const options = { ...own, timeout, onProgress, signal: controller.signal, transfer: true }
  try {
    const result = await pool.run(kernel.name, input, options).finally(clear)
    await write(result, process.stdout)
  } catch (error) {
    if (!controller.signal.aborted) throw error
  } finally {
    await pool.close()
  }
}

/**
 * The arguments, where the kernel says which options there are.
 * @param {string[]} args
 */
function read(args) {
  const all = kernels()
  const anyOptions = { ...OPTIONS, ...optionsOf(all) }
  const first = parseArgs({ args, options: anyOptions, strict: false, allowPositionals: true }).positionals[0]
  const kernel = all.find(({ name }) => name === first)
  if (kernel === undefined) {
    parse(args, anyOptions)
    const problem = first === undefined ? 'A kernel is missing' : `There is no kernel '${first}'`
    throw new UsageError(`${problem}: ${all.map(({ name }) => name).join(', ')}`)
  }
  const { values, positionals } = withKernel(args, kernel)
  if (positionals.length !== 2)
    throw new UsageError(`${kernel.name} takes one INPUT. Received ${positionals.length - 1}`)
  return { kernel, text: positionals[1], values: /** @type {Record<string, string | undefined>} */ (values) }
}

/**
 * @param {string[]} args
 * @param {Kernel} kernel
 */
function withKernel(args, kernel) {
  try {
    return parse(args, { ...optionsOf([kernel]), ...OPTIONS })
  } catch (error) {
    const { message } = /** @type {Error} */ (error)
    if (!message.startsWith('Unknown option')) throw error
    const names = kernel.options.map(({ name }) => `--${name}`)
    throw new UsageError(`${message}: ${kernel.name} has ${names.join(', ') || 'none of its own'}`)
  }
}

/** @param {Kernel[]} kernels */
function optionsOf(kernels) {
  const names = kernels.flatMap(({ options }) => options.map(({ name }) => name))
  return Object.fromEntries(names.map((name) => [name, { type: /** @type {const} */ ('string') }]))
}

/** @param {Record<string, string | undefined>} values */
function poolOf(values) {
  const isRemote = Object.keys(redis.OPTIONS).some((name) => values[name] !== undefined)
  if (!isRemote) return require('../pool.js').defaultPool
  const { RemotePool } = require('../bullmq.js')
  return new RemotePool(redis.placeOf(values).options)
}

/**
 * What the usage says.
 * @param {string} text
 * @param {Kernel} kernel
 */
async function inputOf(text, { inputType }) {
  if (text === '-') return buffer(process.stdin)
  if (text.startsWith('@')) return readFile(text.slice(1))
  const value = json(text)
  if (typeof value === 'number') return value
  if (Array.isArray(value) && value.every((item) => typeof item === 'number')) {
    const View = CLASSES[inputType] ?? Float64Array
    const view = View.from(value)
    if (value.some((item, at) => view[at] !== item)) throw new UsageError(`A number of INPUT is none of a ${inputType}`)
    return view
  }
  return Buffer.from(text)
}

/** @param {string | undefined} text */
function optionOf(text) {
  return text === undefined ? undefined : (json(text) ?? text)
}

/**
 * @param {string} text
 * @returns {any} `undefined` for what is no JSON
 */
function json(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * @param {any} result
 * @param {NodeJS.WriteStream} out
 */
async function write(result, out) {
  if (result instanceof Uint8Array) {
    out.write(out.isTTY ? hexOf(result) : result)
  } else if (ArrayBuffer.isView(result)) {
    for (const text of list(/** @type {any} */ (result), out.isTTY ? SHOWN_NUMBERS : Number.POSITIVE_INFINITY)) {
      if (!out.write(text)) await once(out, 'drain')
    }
  } else {
    out.write(`${result}\n`)
  }
}

/** @param {Uint8Array} bytes */
function hexOf(bytes) {
  const shown = Buffer.from(bytes.subarray(0, SHOWN_BYTES)).toString('hex')
  return bytes.length > SHOWN_BYTES ? `${shown}... (${bytes.length} bytes)\n` : `${shown}\n`
}

/**
 * As JSON has it, in pieces.
 * @param {import('../buffers.js').TypedArray} numbers
 * @param {number} most to show
 */
function* list(numbers, most) {
  const end = Math.min(numbers.length, most)
  yield '['
  for (let start = 0; start < end; start += BLOCK) {
    const block = numbers.subarray(start, Math.min(start + BLOCK, end)).join(',')
    yield start === 0 ? block : `,${block}`
  }
  yield end < numbers.length ? `,... ${numbers.length - end} more]\n` : ']\n'
}

module.exports = { main, usage }
