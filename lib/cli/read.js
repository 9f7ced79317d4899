'use strict'

/**
 * Files and standard input, read whole, within bounds: neither may ever end, and a file may be larger than what `fs.readFile` takes
 * (2 GiB).
 */

const { constants: bufferConstants } = require('node:buffer')
const fs = require('node:fs')
const { Socket } = require('node:net')
const { promisify } = require('node:util')
const { usableMemory } = require('../memory.js')

/**
 * @typedef {object} Bounds
 * @property {AbortSignal} signal ends the reading, with its reason
 * @property {number} [most] bytes; default half of the memory
 */

const read = promisify(fs.read)
/** Bytes that are read at once: the signal is looked at in between. */
const PIECE_BYTES = 1 << 20
const GIB = 2 ** 30
/** So that to open a pipe does not wait for who writes into it, which nothing could end. Windows has no such pipes. */
const FLAGS = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0)

/**
 * Whether this is a file's name, as far as can be seen.
 * @param {string} text
 */
function isFile(text) {
  try {
    return fs.statSync(text).isFile()
  } catch {
    return false
  }
}

/**
 * @param {string} path
 * @param {Bounds} bounds
 */
async function readFile(path, bounds) {
  const fd = fs.openSync(path, FLAGS)
  const stat = fs.fstatSync(fd)
  if (stat.isFIFO()) return readStream(new Socket({ fd, readable: true, writable: false }), bounds)
  // Files of the kernel's own, as those in /proc, say that they have 0 bytes.
  if (!stat.isFile() || stat.size === 0)
    return readStream(fs.createReadStream(path, { fd, highWaterMark: PIECE_BYTES }), bounds)
  try {
    return await readSized(fd, stat.size, bounds)
  } finally {
    fs.closeSync(fd)
  }
}

/** @param {Bounds} bounds */
function readStdin(bounds) {
  return readStream(process.stdin, bounds)
}

/**
 * @param {number} fd
 * @param {number} size
 * @param {Bounds} bounds
 */
async function readSized(fd, size, { signal, most = largest(usableMemory() / 2) }) {
  if (size > most) throw tooLong(most)
  const bytes = new Uint8Array(size)
  let end = 0
  while (end < size) {
    signal.throwIfAborted()
    const { bytesRead } = await read(
      fd,
      bytes.subarray(end, end + PIECE_BYTES),
      0,
      Math.min(PIECE_BYTES, size - end),
      null,
    )
    // It has become shorter meanwhile.
    if (bytesRead === 0) break
    end += bytesRead
  }
  return bytes.subarray(0, end)
}

/**
 * Nobody knows how long it is, so that its pieces are there beside the whole in the end: it may have half of what a file may.
 * @param {import('node:stream').Readable} stream
 * @param {Bounds} bounds
 */
async function readStream(stream, { signal, most = largest(usableMemory() / 4) }) {
  const stop = () => stream.destroy(signal.reason)
  signal.addEventListener('abort', stop)
  try {
    signal.throwIfAborted()
    /** @type {Buffer[]} */
    const pieces = []
    let size = 0
    for await (const piece of stream) {
      size += piece.length
      if (size > most) throw tooLong(most)
      pieces.push(piece)
    }
    // Not Buffer.concat, whose memory may be of a slab that others are in.
    const bytes = new Uint8Array(size)
    let end = 0
    for (const piece of pieces) {
      bytes.set(piece, end)
      end += piece.length
    }
    return bytes
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** @param {number} bytes */
function largest(bytes) {
  return Math.min(Math.floor(bytes), bufferConstants.MAX_LENGTH)
}

/** @param {number} most */
function tooLong(most) {
  const shown = most < GIB ? `${most} bytes` : `${(most / GIB).toFixed(1)} GiB`
  return new Error(`INPUT is longer than ${shown}: --max-input BYTES has it read nevertheless`)
}

module.exports = { isFile, readFile, readStdin }
