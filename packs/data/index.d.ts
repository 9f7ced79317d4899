// Generated from the pack's own table by `npm run generate`.

import type { AsyncOptions, Bytes, FrozenBuffer, SyncOptions, TaskOptions } from '../../index.js'

export interface QueryJsonOptions {
  /** The jq program. At most 8 KiB. */
  filter: string
  /** Whether there is to be one output, and no new line behind it. Default false. */
  single?: boolean | undefined
  /** Most bytes of output. Default 256 MiB. */
  maxOutputLength?: number | undefined
  /** Most bytes that the program's values take. 1 MiB..1 TiB, default 512 MiB. */
  maxMemory?: number | undefined
}

/** What `topK` takes beside the options of every task. */
export interface TopKOptions {
  /** What the rows are compared with. */
  query: Float32Array
  /** Elements of a row. 1..1,048,576. */
  dimensions: number
  /** How many rows; all, if there are fewer. 1..4,294,967,295. */
  k: number
  /** 'cosine' (default): of the angle, 1 for the same direction, NaN for a row of zeros. 'dot': the dot product. 'euclidean': the distance, of which smaller is better. */
  metric?: 'cosine' | 'dot' | 'euclidean' | undefined
}
/**
 * What a jq program makes of `json`: its outputs as JSON, one a line, or the only one with `single`. The text may have several values, with white space between them; each is an input. It is checked as a
 * whole, but only what the program looks into is read. The language is jaq's: jq 1.7's but for what its manual names. Integers of 64 bits are exact; numbers keep their spelling until something is calculated
 * with them. There are no files, no modules and no `input`; the environment is empty; `halt` ends the outputs.
 *
 * Errors: ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE; ERR_INVALID_ARG_VALUE for a `filter` that is no jq program, and for more than 4 GiB of JSON; ERR_INVALID_DATA for what is no JSON (with line and column) or
 * no UTF-8, is nested more than 10,000 levels deep, for an error of the program's that it does not catch (with jq's message), and if there is not one output with `single`; ERR_OUTPUT_TOO_LARGE as soon as
 * there is more than `maxOutputLength`, or the program's values take more than `maxMemory`; ERR_OUT_OF_MEMORY. Working memory: 16 bytes for each array and object of the text, 16 for each element and member
 * that is looked at, and what the program makes. Stops within: 1 ms, but for a single function of jq's over much: a search by regular expression. Programs are compiled once, on the pool; the last 32 are
 * kept. Sources: RFC 8259, the manuals of jq and jaq.
 *
 * Runs on the threads of a pool.
 */
export function queryJson(json: string | Bytes, options: TaskOptions & QueryJsonOptions): Promise<Buffer>
export namespace queryJson {
  const kernel: 'queryJson'
}

/**
 * {@link queryJson} on libuv's thread pool, as an N-API AsyncTask.
 */
export function queryJsonAsync(json: string | Bytes, options: AsyncOptions & QueryJsonOptions): Promise<Buffer>
export namespace queryJsonAsync {
  const kernel: 'queryJson'
}

/**
 * {@link queryJson} on the calling thread.
 */
export function queryJsonSync(json: string | Bytes, options: SyncOptions & QueryJsonOptions): Buffer
export namespace queryJsonSync {
  const kernel: 'queryJson'
}

/**
 * The `k` rows of `vectors` (row-major, `dimensions` elements each) that are nearest to `query`: their indices and scores, best first, equal ones by index, NaN last. `freeze()` the vectors once, and any
 * number of calls read them without a copy. The result is the same, however many threads there are.
 *
 * Errors: ERR_INVALID_ARG_TYPE; ERR_INVALID_ARG_VALUE if `vectors` is no whole number of rows, or `query` has not `dimensions` elements; ERR_OUT_OF_RANGE; ERR_OUT_OF_MEMORY.
 * Working memory: 12 `k` bytes a thread. Stops within: 1 ms.
 *
 * Runs on the threads of a pool.
 */
export function topK(
  vectors: Float32Array | FrozenBuffer,
  options: TaskOptions & TopKOptions,
): Promise<{ index: Uint32Array; score: Float32Array }>
export namespace topK {
  const kernel: 'topK'
}

/**
 * {@link topK} on libuv's thread pool, as an N-API AsyncTask.
 */
export function topKAsync(
  vectors: Float32Array | FrozenBuffer,
  options: AsyncOptions & TopKOptions,
): Promise<{ index: Uint32Array; score: Float32Array }>
export namespace topKAsync {
  const kernel: 'topK'
}

/**
 * {@link topK} on the calling thread.
 */
export function topKSync(
  vectors: Float32Array | FrozenBuffer,
  options: SyncOptions & TopKOptions,
): { index: Uint32Array; score: Float32Array }
export namespace topKSync {
  const kernel: 'topK'
}

// For `pool.run('name', input)` and `pool.map`.
declare module '../../index.js' {
  interface Kernels {
    queryJson: { input: string | Bytes; options: QueryJsonOptions; output: Buffer }
    topK: {
      input: Float32Array | FrozenBuffer
      options: TopKOptions
      output: { index: Uint32Array; score: Float32Array }
    }
  }
}
