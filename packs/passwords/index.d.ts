// Generated from the pack's own table by `npm run generate`.

import type { AsyncOptions, Bytes, SyncOptions, TaskOptions } from '../../index.js'

/** What `hashPassword` takes beside the options of every task. */
export interface HashPasswordOptions {
  /** Default 'argon2id'. */
  algorithm?: 'argon2id' | 'bcrypt' | undefined
  /** Of argon2id: memory in KiB, 8..262144, and at least 8 for each lane. Default 19456 (OWASP). */
  memoryCost?: number | undefined
  /** Of argon2id: passes over the memory, from 1; times `memoryCost` at most 622,592. Default 2. */
  timeCost?: number | undefined
  /** Of argon2id: lanes, 1..255; they are no threads. Default 1. */
  parallelism?: number | undefined
  /** Of bcrypt: log2 of the number of rounds, 4..16. Default 12. */
  cost?: number | undefined
}

/** What `verifyPassword` takes beside the options of every task. */
export interface VerifyPasswordOptions {
  /** What was kept of the password. */
  hash: string
  /** Most bytes of memory that the hash may ask for. Default 256 MiB. */
  maxMemory?: number | undefined
}

/** What `needsRehash` takes beside the options of every task. */
export interface NeedsRehashOptions {
  /** Default 'argon2id'. */
  algorithm?: 'argon2id' | 'bcrypt' | undefined
  /** Of argon2id: memory in KiB, 8..262144, and at least 8 for each lane. Default 19456 (OWASP). */
  memoryCost?: number | undefined
  /** Of argon2id: passes over the memory, from 1; times `memoryCost` at most 622,592. Default 2. */
  timeCost?: number | undefined
  /** Of argon2id: lanes, 1..255; they are no threads. Default 1. */
  parallelism?: number | undefined
  /** Of bcrypt: log2 of the number of rounds, 4..16. Default 12. */
  cost?: number | undefined
}
/**
 * What to keep of a password: by argon2id (default; OWASP's parameters) as a PHC string, or by bcrypt as `$2b$...`. With a random salt of the
 * operating system's.
 *
 * `password`: a string (its UTF-8, as TextEncoder makes it: all lone surrogates are alike), or bytes; at most 4 KiB. For bcrypt at most 72 bytes, and no NUL: it would not see what follows.
 *
 * Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE (also for an option of the other algorithm), ERR_OUT_OF_RANGE, ERR_OUT_OF_MEMORY.
 * Working memory: `memoryCost`. Stops within: argon2id
 * at its end (20 to 30 ms by default), bcrypt 1 ms. Sources: RFC 9106; Provos, Mazières, USENIX 1999.
 *
 * Runs on the threads of a pool.
 */
export function hashPassword(password: string | Bytes, options?: TaskOptions & HashPasswordOptions): Promise<string>
export namespace hashPassword {
  const kernel: 'hashPassword'
}

/**
 * {@link hashPassword} on libuv's thread pool, as an N-API AsyncTask.
 */
export function hashPasswordAsync(
  password: string | Bytes,
  options?: AsyncOptions & HashPasswordOptions,
): Promise<string>
export namespace hashPasswordAsync {
  const kernel: 'hashPassword'
}

/**
 * {@link hashPassword} on the calling thread.
 */
export function hashPasswordSync(password: string | Bytes, options?: SyncOptions & HashPasswordOptions): string
export namespace hashPasswordSync {
  const kernel: 'hashPassword'
}

/**
 * Whether `password` is the one of which `hash` was kept; compared in constant time. Reads argon2id, argon2i, argon2d and scrypt as PHC strings, and
 * bcrypt (2a, 2b, 2y), of which the first 72 bytes of a password count.
 *
 * `password`: a string (its UTF-8, as TextEncoder makes it: all lone surrogates are alike), or bytes; at most 4 KiB.
 *
 * Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, ERR_OUT_OF_MEMORY; ERR_INVALID_DATA if the hash is malformed or of another kind. What is about the hash is the server's: `offload` passes it on to `next`, and answers no client with it;
 * ERR_OUTPUT_TOO_LARGE, before any work, if it asks for more than `maxMemory`, over 622,592 KiB x passes (argon2), 2^16 rounds (bcrypt), or
 * N r p of 2^23 (scrypt). Stops within: argon2 at its end (20 to 30 ms with OWASP's parameters, and up to sixteen times that), bcrypt and scrypt
 * 1 ms. Sources: RFC 9106, RFC 7914; Provos, Mazières, USENIX 1999.
 *
 * Runs on the threads of a pool.
 */
export function verifyPassword(password: string | Bytes, options: TaskOptions & VerifyPasswordOptions): Promise<boolean>
export namespace verifyPassword {
  const kernel: 'verifyPassword'
}

/**
 * {@link verifyPassword} on libuv's thread pool, as an N-API AsyncTask.
 */
export function verifyPasswordAsync(
  password: string | Bytes,
  options: AsyncOptions & VerifyPasswordOptions,
): Promise<boolean>
export namespace verifyPasswordAsync {
  const kernel: 'verifyPassword'
}

/**
 * {@link verifyPassword} on the calling thread.
 */
export function verifyPasswordSync(password: string | Bytes, options: SyncOptions & VerifyPasswordOptions): boolean
export namespace verifyPasswordSync {
  const kernel: 'verifyPassword'
}

/**
 * Whether a password should be hashed anew, at its next login: `hash` is of another algorithm than these options (or of none that is known
 * here), or has any parameter below theirs: also argon2's version before 19, a salt of less than 16 bytes, a digest of less than 32. Takes microseconds.
 *
 * Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE; ERR_INVALID_DATA if the hash is malformed.
 *
 * Runs on the calling thread.
 */
export function needsRehash(hash: string, options?: SyncOptions & NeedsRehashOptions): boolean
export namespace needsRehash {
  const kernel: 'needsRehash'
}

// For `pool.run('name', input)` and `pool.map`.
declare module '../../index.js' {
  interface Kernels {
    hashPassword: { input: string | Bytes; options: HashPasswordOptions; output: string }
    verifyPassword: { input: string | Bytes; options: VerifyPasswordOptions; output: boolean }
    needsRehash: { input: string; options: NeedsRehashOptions; output: boolean }
  }
}
