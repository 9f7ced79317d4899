'use strict'

const { once } = require('node:events')
const { constants } = require('node:os')
const { parseArgs } = require('node:util')
const { TYPED_ARRAYS } = require('../buffers.js')
const { descriptions, findNumber } = require('../catalog.js')
const { makeError } = require('../errors.js')
const { LONGEST_TIMER_MS } = require('../options.js')
const { loadPacks } = require('../packs.js')
const { integer, parse } = require('./arguments.js')
const { UnknownOption, UsageError } = require('./errors.js')
const { inputOf, numberOf } = require('./input.js')
const plugins = require('./kernels.js')
const { progressBar } = require('./progress.js')
const redis = require('./redis.js')

/** @typedef {ReturnType<typeof descriptions>[number]} Kernel */

const OPTIONS = /** @type {const} */ ({
  ...redis.OPTIONS,
  ...plugins.OPTION,
  timeout: { type: 'string' },
  'max-input': { type: 'string' },
})
/** What a terminal is shown of a long result. */
const SHOWN_BYTES = 256
const SHOWN_NUMBERS = 100
/** Numbers that are written at once. */
const BLOCK = 10_000

function usage() {
  loadPacks()
  const lines = descriptions().flatMap(({ name, summary, options }) => [
    `  ${name.padEnd(15)}  ${summary}`,
    ...options.map(({ name, tsType }) => `      --${name} ${tsType.replaceAll("'", '').replaceAll(' | ', '|')}`),
  ])
  return `Usage: heavy-load run KERNEL INPUT [options]

Runs a kernel once and writes its result to standard output: digests in hexadecimal digits, other bytes as they are, or in such
digits to a terminal.

INPUT is what the kernel takes:
  a number   1e9
  numbers    '[3, 1, NaN]', or bytes
  bytes      @FILE   of a file
             -       of standard input
             TEXT    of any other text, in UTF-8, where the kernel takes nothing but bytes

Kernels and their options:
${lines.join('\n')}

Options:
  --kernels FILE       a plug-in, whose kernels there are, too
  --timeout MS         how long it may take, reading INPUT included
  --max-input BYTES    of a file or of standard input; default half of the memory, and a quarter where the length is not known
  --redis URL          runs it on workers; default REDIS_URL, else redis://127.0.0.1:6379, where --queue or --prefix is given
  --queue NAME         of those workers; default heavy-load
  --prefix TEXT        of the queue's keys in Redis; default bull
`
}

/** @param {string[]} args */
async function main(args) {
  const { kernel, text, values } = read(args)
  const timeout = integer(values, 'timeout', 1, LONGEST_TIMER_MS)
  const most = integer(values, 'max-input', 0, Number.MAX_SAFE_INTEGER)
  const started = performance.now()
  const stopped = new AbortController()
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    // Once: the second time ends the process as usual.
    process.once(signal, () => {
      process.exitCode = 128 + constants.signals[signal]
      stopped.abort()
    })
  }
  const pool = poolOf(values)
  try {
    const input = await withTimeout(timeout, stopped.signal, (signal) => inputOf(text, kernel, { signal, most }))
    const { onProgress, clear } = progressBar()
    const options = {
      ...ownOptions(kernel, values),
      // What is left of it.
      timeout: timeout === undefined ? undefined : Math.ceil(Math.max(1, timeout - (performance.now() - started))),
      onProgress,
      signal: stopped.signal,
      transfer: true,
    }
    const result = await pool.run(kernel.name, input, options).finally(clear)
    await write(result, process.stdout)
  } catch (error) {
    if (!stopped.signal.aborted) throw error
  } finally {
    await pool.close()
  }
}

/**
 * @template T
 * @param {number | undefined} timeout
 * @param {AbortSignal} signal
 * @param {(signal: AbortSignal) => Promise<T>} read
 * @returns {Promise<T>}
 */
async function withTimeout(timeout, signal, read) {
  if (timeout === undefined) return read(signal)
  const late = new AbortController()
  const timer = setTimeout(() => {
    late.abort(makeError('ERR_TASK_TIMEOUT', `INPUT was not read within ${timeout} ms`))
  }, timeout)
  return read(AbortSignal.any([signal, late.signal])).finally(() => clearTimeout(timer))
}

/**
 * The arguments, where the kernel says which options there are.
 * @param {string[]} args
 */
function read(args) {
  plugins.loadNamed(args)
  // A pack is loaded when a kernel of it is looked for.
  for (const arg of args) findNumber(arg)
  const all = descriptions()
  const anyOptions = { ...OPTIONS, ...optionsOf(all) }
  const first = parseArgs({ args, options: anyOptions, strict: false, allowPositionals: true }).positionals[0]
  const kernel = all.find(({ name }) => name === first)
  if (kernel === undefined) {
    parse(args, anyOptions)
    const problem = first === undefined ? 'A kernel is missing' : `There is no kernel '${first}'`
    loadPacks()
    throw new UsageError(
      `${problem}: ${descriptions()
        .map(({ name }) => name)
        .join(', ')}`,
    )
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
    if (!(error instanceof UnknownOption) || error.meant !== undefined) throw error
    const names = kernel.options.map(({ name }) => `--${name}`)
    throw new UsageError(`${error.message}: ${kernel.name} has ${names.join(', ') || 'none of its own'}`)
  }
}

/** @param {Kernel[]} kernels */
function optionsOf(kernels) {
  const names = kernels.flatMap(({ options }) => options.map(({ name }) => name))
  return Object.fromEntries(names.map((name) => [name, { type: /** @type {const} */ ('string') }]))
}

/** @param {Record<string, unknown>} values */
function poolOf(values) {
  const isRemote = Object.keys(redis.OPTIONS).some((name) => values[name] !== undefined)
  if (!isRemote) return require('../pool/index.js').defaultPool
  const { RemotePool } = require('../remote/index.js')
  return new RemotePool(redis.placeOf(values).options)
}

/**
 * The kernel's own options, by their types. Where it gives a digest, that is written in digits unless it is said otherwise.
 * @param {Kernel} kernel
 * @param {Record<string, string | undefined>} values
 */
function ownOptions({ options }, values) {
  return Object.fromEntries(
    options.map(({ name, tsType }) => {
      const isEncoding = name === 'encoding' && tsType.includes("'hex'")
      return [name, optionOf(values[name], tsType) ?? (isEncoding ? 'hex' : undefined)]
    }),
  )
}

/**
 * @param {string | undefined} text
 * @param {string} tsType
 */
function optionOf(text, tsType) {
  if (text === undefined || tsType.startsWith("'") || tsType === 'string') return text
  if (tsType === 'number') return numberOf(text) ?? text
  const View = TYPED_ARRAYS[tsType]
  try {
    const value = JSON.parse(text)
    return View !== undefined && Array.isArray(value) ? View.from(value) : value
  } catch {
    // The kernel says what it would take.
    return text
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
    out.write(`${typeof result === 'object' ? JSON.stringify(result) : result}\n`)
  }
}

/** @param {Uint8Array} bytes */
function hexOf(bytes) {
  const shown = Buffer.from(bytes.subarray(0, SHOWN_BYTES)).toString('hex')
  return bytes.length > SHOWN_BYTES ? `${shown}... (${bytes.length} bytes)\n` : `${shown}\n`
}

/**
 * As JSON has it, but for NaN and Infinity; in pieces.
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
