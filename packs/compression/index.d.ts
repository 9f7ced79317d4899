// Generated from the pack's own table by `npm run generate`.

import type { AsyncOptions, Bytes, SyncOptions, TaskOptions } from '../../index.js'

/** What `compress` takes beside the options of every task. */
export interface CompressOptions {
  /** 'gzip' (default), 'deflate' (in its zlib wrapper, as HTTP means it), 'zstd' or 'brotli'. */
  format?: 'gzip' | 'deflate' | 'zstd' | 'brotli' | undefined
  /** The format's own: gzip and deflate 0..9 (default 6), zstd 1..22 (default 3), brotli 0..11 (default 4). */
  level?: number | undefined
}

/** What `decompress` takes beside the options of every task. */
export interface DecompressOptions {
  /** 'gzip' (default), 'deflate' (in its zlib wrapper, as HTTP means it), 'zstd' or 'brotli'. */
  format?: 'gzip' | 'deflate' | 'zstd' | 'brotli' | undefined
  /** Most bytes that the data may decompress to, against bombs. Default 256 MiB. It is also what a pool with `maxMemory` counts: lower it. */
  maxOutputLength?: number | undefined
}
/**
 * `data` compressed, into what the format's own tools read. Large data is cut into sections that all threads work on: gzip and deflate 512 KiB (still
 * one member, each section looking back at the one before, as pigz does it), zstd up to 8 MiB (from level 17 on 32, from 20 on 64), each a frame with its
 * checksum, brotli up to 8 MiB. The result is the same, however many threads there are.
 *
 * Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, ERR_OUT_OF_MEMORY. Working memory: the result, and an encoder a thread: 0.5 MiB
 * (gzip, deflate), 4 MiB (zstd 3), 90 MiB (zstd 19), 700 MiB (zstd 22), 50 MiB (brotli 4), 280 MiB (brotli 11). Shared memory that is written meanwhile gives a result that can
 * be decompressed, to some mixture. Stops within: 2 ms (gzip, deflate, zstd up to 11), 50 ms (zstd from 12 on), 0.1 s (zstd from 17 on), 0.5 s (zstd from
 * 20 on, whose tables are cleared in one go), 20 ms (brotli up to 8), 0.2 s (brotli from 9 on). Sources: RFC 1950, 1951, 1952, 7932, 8878.
 *
 * Runs on the threads of a pool.
 */
export function compress(data: Bytes, options?: TaskOptions & CompressOptions): Promise<Buffer>
export namespace compress {
  const kernel: 'compress'
}

/**
 * {@link compress} on libuv's thread pool, as an N-API AsyncTask.
 */
export function compressAsync(data: Bytes, options?: AsyncOptions & CompressOptions): Promise<Buffer>
export namespace compressAsync {
  const kernel: 'compress'
}

/**
 * {@link compress} on the calling thread.
 */
export function compressSync(data: Bytes, options?: SyncOptions & CompressOptions): Buffer
export namespace compressSync {
  const kernel: 'compress'
}

/**
 * What compressed `data` stands for. Several gzip members or zstd frames in a row decompress to all of them; zeros behind the last are padding.
 *
 * Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, ERR_OUT_OF_MEMORY; ERR_INVALID_DATA if the data is broken, cut off, or followed
 * by anything else, if a checksum is wrong, a dictionary needed, or a window of over 128 MiB (zstd) or 16 MiB (brotli); ERR_OUTPUT_TOO_LARGE as soon as
 * there is more than `maxOutputLength`. Working memory: the result as it grows (nothing is taken because a header says so), and the window: 32 KiB (gzip,
 * deflate), up to 16 MiB (brotli) or 128 MiB (zstd). Stops within: 1 ms. Sources: RFC 1950, 1951, 1952, 7932, 8878.
 *
 * Runs on the threads of a pool.
 */
export function decompress(data: Bytes, options?: TaskOptions & DecompressOptions): Promise<Buffer>
export namespace decompress {
  const kernel: 'decompress'
}

/**
 * {@link decompress} on libuv's thread pool, as an N-API AsyncTask.
 */
export function decompressAsync(data: Bytes, options?: AsyncOptions & DecompressOptions): Promise<Buffer>
export namespace decompressAsync {
  const kernel: 'decompress'
}

/**
 * {@link decompress} on the calling thread.
 */
export function decompressSync(data: Bytes, options?: SyncOptions & DecompressOptions): Buffer
export namespace decompressSync {
  const kernel: 'decompress'
}

// For `pool.run('name', input)` and `pool.map`.
declare module '../../index.js' {
  interface Kernels {
    compress: { input: Bytes; options: CompressOptions; output: Buffer }
    decompress: { input: Bytes; options: DecompressOptions; output: Buffer }
  }
}
