'use strict'

/**
 * Bytes beside a job: a hash of raw values, a field for each piece of at most `PIECE_BYTES` bytes of each part. Whoever writes one
 * gives it a time to live, and whoever has read it for the last time removes it.
 */

const { copyFrom, sizeIn } = require('../buffers.js')
const { remoteError } = require('./connection.js')

/** Redis and its clients hold a whole value at a time: larger parts go in pieces of this many bytes. */
const PIECE_BYTES = 2 * 2 ** 20
/** A script, since ioredis sends it again when its connection was lost meanwhile, which it does not do with transactions. */
const WRITE = "redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) redis.call('PEXPIRE', KEYS[1], ARGV[3])"

/** @typedef {import('./connection.js').Redis} Redis */

/**
 * Resolves when Redis has everything.
 * @param {Redis} redis
 * @param {string} key
 * @param {import('./wire.js').Parts} parts
 * @param {number} ttl milliseconds
 */
async function write(redis, key, parts, ttl) {
  for (const [field, part, start, end] of pieces(parts.map(sizeIn))) {
    // A copy, since whoever sees what Redis' client is given has all of its ArrayBuffer: a frozen one is read by others.
    const piece = copyFrom(parts[part], start, end)
    // Awaited one by one: no more than a piece waits in this process's memory to be sent. Never there without its end: those
    // before may be gone.
    await redis.eval(WRITE, 1, key, field, piece, Math.ceil(ttl))
  }
}

/**
 * The parts, each in memory of its own. How large they are is only what somebody says: nothing is taken for one whose bytes are not there.
 * @param {Redis} redis
 * @param {string} key
 * @param {number[]} sizes bytes
 */
async function read(redis, key, sizes) {
  if (!isSizes(sizes)) throw remoteError("The sizes of the task's bytes make no sense")
  const count = sizes.reduce((sum, size) => sum + Math.max(1, Math.ceil(size / PIECE_BYTES)), 0)
  if (count > 0 && (await redis.hlen(key)) < count) throw missing()
  /** @type {ArrayBuffer[]} */
  const parts = []
  for (const [field, part, start, end] of pieces(sizes)) {
    const piece = await redis.hgetBuffer(key, field)
    if (piece?.length !== end - start) throw missing()
    parts[part] ??= new ArrayBuffer(sizes[part])
    new Uint8Array(parts[part], start).set(piece)
  }
  return parts
}

/** @param {any} sizes */
function isSizes(sizes) {
  return Array.isArray(sizes) && sizes.every((size) => Number.isSafeInteger(size) && size >= 0)
}

function missing() {
  return remoteError("The task's bytes are no longer in Redis: their time was over, or it keeps nothing when it ends")
}

/**
 * Field, part, first byte and end of every piece. An empty part has one too, or nobody would notice that it is missing.
 * @param {number[]} sizes bytes
 * @returns {Generator<[string, number, number, number]>}
 */
function* pieces(sizes) {
  for (const [part, size] of sizes.entries()) {
    for (let start = 0; start === 0 || start < size; start += PIECE_BYTES) {
      yield [`${part}:${start / PIECE_BYTES}`, part, start, Math.min(size, start + PIECE_BYTES)]
    }
  }
}

module.exports = { read, write }
