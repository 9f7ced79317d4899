// What the package promises, as shapes alone: contract.tst.ts checks that its types keep to it. They may say more, never less; so change this only
// where users are told.

import type { Pool as PoolOfPackage } from 'heavy-load'

export interface TaskOptions {
  signal?: AbortSignal | readonly AbortSignal[]
  timeout?: number
  priority?: 'high' | 'normal' | 'low'
  key?: string
  weight?: number
  maxThreads?: number
  onProgress?: (fraction: number) => void
  pool?: Executor
  transfer?: boolean
}

export interface Executor {
  run<K extends KernelName>(
    kernel: K | Kernel<K>,
    input: KernelInput<K>,
    options?: KernelOptions<K> & TaskOptions,
  ): Promise<KernelOutput<K>>
  map<K extends KernelName>(
    kernel: K | Kernel<K>,
    inputs: Iterable<KernelInput<K>> | AsyncIterable<KernelInput<K>>,
    options?: KernelOptions<K> & TaskOptions & { concurrency?: number; ordered?: boolean },
  ): AsyncIterableIterator<{ index: number; value: KernelOutput<K> }>
  close(options?: { force?: boolean; timeout?: number }): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface PoolOptions {
  threads?: number
  maxQueue?: number
  niceness?: number
  maxMemory?: number
  name?: string
}

export class Pool implements Executor, Gate {
  gate: Gate['gate']
  constructor(options?: PoolOptions)
  readonly threads: number
  readonly name: string
  readonly needsDrain: boolean
  on(event: 'drain', listener: () => void): this
  once(event: 'drain', listener: () => void): this
  off(event: 'drain', listener: () => void): this
  run: Executor['run']
  map: Executor['map']
  stats(): PoolStats
  close(options?: { force?: boolean; timeout?: number }): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
export const defaultPool: Pool

export interface PoolStats {
  threads: number
  queued: number
  running: number
  completed: number
  failed: number
  cancelled: number
  timedOut: number
  rejected: number
  memory: number
  utilization: number
  wait: Percentiles
  run: Percentiles
}

export interface Percentiles {
  count: number
  mean: number
  min: number
  max: number
  p50: number
  p90: number
  p99: number
  p999: number
}
export function heavyLoad(iterations: number, options?: TaskOptions): Promise<number>
export function heavyLoadSync(iterations: number, options?: SyncOptions): number
export function heavyLoadAsync(iterations: number, options?: TaskOptions): Promise<number>
export function heavyLoadShared(view: Uint32Array, options?: TaskOptions & { rounds?: number }): Promise<Uint32Array>
export function heavyLoadSharedSync(view: Uint32Array, options?: SyncOptions & { rounds?: number }): Uint32Array
export function heavyLoadSharedAsync(
  view: Uint32Array,
  options?: TaskOptions & { rounds?: number },
): Promise<Uint32Array>
export function spin(ms: number, options?: TaskOptions): Promise<number>
export function hash(
  data: Bytes | AsyncIterable<Uint8Array>,
  options: TaskOptions & { algorithm?: HashAlgorithm; encoding: 'hex' | 'base64' },
): Promise<string>
export function hash(
  data: Bytes | AsyncIterable<Uint8Array>,
  options?: TaskOptions & { algorithm?: HashAlgorithm; encoding?: 'buffer' },
): Promise<Buffer>
export type HashAlgorithm = 'blake3' | 'sha256' | 'sha512' | 'xxh3' | 'crc32'
export function sort<T extends NumericView>(view: T, options?: TaskOptions): Promise<T>
export function freeze(data: Bytes): FrozenBuffer

export class FrozenBuffer {
  readonly byteLength: number
  thaw(): Uint8Array
}
export function loadKernels(path: string | URL): Record<string, (input: any, options?: any) => any>
export function kernel(name: string): (input: any, options?: any) => Promise<any>

export interface Gate {
  gate<T>(
    fn: (task: { signal: AbortSignal }) => T | Promise<T>,
    options?: TaskOptions & { memory?: number },
  ): Promise<T>
}
export function loadFunctions<M>(
  url: URL | string,
  options?: { pool?: PoolOfPackage; idleTimeout?: number; resourceLimits?: object },
): Promise<{ [K in keyof M]: (args: any[], options?: TaskOptions & { transferList?: any[] }) => Promise<any> }>
export function hashPassword(password: string | Bytes, options?: TaskOptions & PasswordOptions): Promise<string>
export function verifyPassword(
  password: string | Bytes,
  options: TaskOptions & { hash: string; maxMemory?: number },
): Promise<boolean>
export function needsRehash(hash: string, options?: PasswordOptions): boolean

export interface PasswordOptions {
  algorithm?: 'argon2id' | 'bcrypt'
  memoryCost?: number
  timeCost?: number
  parallelism?: number
  cost?: number
}
export function compress(data: Bytes, options?: TaskOptions & { format?: Format; level?: number }): Promise<Buffer>
export function decompress(
  data: Bytes,
  options?: TaskOptions & { format?: Format; maxOutputLength?: number },
): Promise<Buffer>
export type Format = 'gzip' | 'deflate' | 'zstd' | 'brotli'
export function resizeImage(
  image: Bytes,
  options: TaskOptions & {
    width?: number
    height?: number
    fit?: 'inside' | 'cover' | 'fill'
    format?: 'jpeg' | 'png' | 'webp'
    quality?: number
    enlarge?: boolean
    limitInputPixels?: number
  },
): Promise<Buffer>
export function imageInfo(
  image: Bytes,
  options?: TaskOptions,
): Promise<{ format: string; width: number; height: number; orientation: number; hasAlpha: boolean }>
export type Text = string | Bytes
export function countTokens(
  text: Text,
  options?: TaskOptions & { encoding?: 'o200k_base' | 'cl100k_base' },
): Promise<number>
export function truncateToTokens(
  text: Text,
  options: TaskOptions & { maxTokens: number; encoding?: 'o200k_base' | 'cl100k_base' },
): Promise<string>
export function renderMarkdown(
  text: Text,
  options?: TaskOptions & { gfm?: boolean; sanitize?: boolean },
): Promise<string>
export function sanitizeHtml(
  html: Text,
  options?: TaskOptions & { tags?: string[]; attributes?: Record<string, string[]> },
): Promise<string>
export function htmlToMarkdown(html: Text, options?: TaskOptions): Promise<string>
export function matchText(
  text: Text,
  options: TaskOptions & { pattern: string; flags?: string; limit?: number },
): Promise<{ start: number; end: number; groups: (string | null)[] }[]>
export function replaceText(
  text: Text,
  options: TaskOptions & { pattern: string; replacement: string; flags?: string },
): Promise<string>
export function queryJson(
  json: Bytes | string,
  options: TaskOptions & { filter: string; single?: boolean; maxOutputLength?: number },
): Promise<Buffer>
export function convertTable(
  data: Bytes,
  options: TaskOptions & {
    from: 'csv' | 'tsv' | 'xlsx' | 'xls' | 'ods'
    to: 'csv' | 'json' | 'ndjson'
    sheet?: string | number
    delimiter?: string
    maxOutputLength?: number
  },
): Promise<Buffer>
export function topK(
  vectors: Float32Array | FrozenBuffer,
  options: TaskOptions & {
    query: Float32Array
    dimensions: number
    k: number
    metric?: 'cosine' | 'dot' | 'euclidean'
  },
): Promise<{ index: Uint32Array; score: Float32Array }>

export class HeavyLoadError extends Error {
  code: string
}
export type Bytes = Buffer | Uint8Array | ArrayBuffer | SharedArrayBuffer | FrozenBuffer
export type NumericView =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array
export type SyncOptions = Pick<TaskOptions, 'timeout' | 'transfer'>
export type KernelName = string
export type Kernel<K> = ((...args: never[]) => unknown) & { kernel?: K }
export type KernelInput<K> = unknown
export type KernelOutput<K> = unknown
export type KernelOptions<K> = object
