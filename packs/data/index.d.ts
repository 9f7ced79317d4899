// Generated from the pack's own table by `npm run generate`.

import type { AsyncOptions, FrozenBuffer, SyncOptions, TaskOptions } from '../../index.js'

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
    topK: {
      input: Float32Array | FrozenBuffer
      options: TopKOptions
      output: { index: Uint32Array; score: Float32Array }
    }
  }
}
