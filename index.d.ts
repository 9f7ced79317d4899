/**
 * The public surface of heavy-load. Units: times in milliseconds unless a name says otherwise; sizes in bytes.
 *
 * Every kernel comes in three forms, by one rule, with the same answers and the same errors:
 * - `name(input, options)`: a promise; runs on the rayon threads of a pool (the default);
 * - `nameSync(input, options)`: the value; runs on the calling thread;
 * - `nameAsync(input, options)`: a promise; runs on libuv's thread pool (N-API AsyncTask).
 *
 * Every options object refuses own enumerable keys that it does not know (ERR_INVALID_ARG_VALUE, with the name that was probably meant).
 * Promise forms never throw synchronously: they reject. Match errors on `code`; docs/reference/errors.md lists the codes.
 *
 * Large results are memory of the addon's, without a copy; where the runtime does not allow that (Electron), they are copied.
 */

/// <reference types="node" />

import type { EventEmitter } from 'node:events'
import type { ResourceLimits } from 'node:worker_threads'

/**
 * What every task takes.
 *
 * @example
 * const sorted = await sort(new Float64Array(1e6), { timeout: 2000, priority: 'low', key: 'tenant', transfer: true })
 */
export interface TaskOptions {
  /**
   * Aborts the task whether it is queued or running. Rejects with AbortError (code ABORT_ERR, cause = signal.reason). An
   * already-aborted signal rejects without starting; one signal may be shared by any number of tasks; the caller's own
   * listeners and `onabort` are never touched. AbortSignal.timeout() counts as an abort. Several signals in an array: whichever
   * aborts first (AbortSignal.any keeps memory for ever on some versions of Node).
   */
  signal?: AbortSignal | readonly AbortSignal[] | undefined
  /**
   * Budget for queue + run, counted from the call; > 0, Infinity for none (the default). Past it the task stops and
   * rejects with TimeoutError (code ERR_TASK_TIMEOUT). A call that could not be done in it is refused at once
   * (ERR_POOL_OVERLOADED); one that was let in and can be done in it no more, as soon as that is seen.
   */
  timeout?: number | undefined
  /**
   * Strict classes inside one pool: running tasks of a lower class pause (within about a millisecond) while a higher one
   * has work. Within a class short tasks pass long ones by themselves. Default 'normal'.
   */
  priority?: 'high' | 'normal' | 'low' | undefined
  /** Tenant for fair sharing: tasks of different keys in one class get equal shares (scaled by `weight`). Default: one common key. */
  key?: string | undefined
  /** Relative share of `key`, 0.001 to 1000. Default 1. */
  weight?: number | undefined
  /** Most threads this one task may use at once. Default: all threads of the pool. */
  maxThreads?: number | undefined
  /**
   * Called on the JS thread with a fraction 0..1, at most about 20 times a second, in the caller's async context
   * (AsyncLocalStorage works). If it throws, or a promise that it returns rejects, the task is cancelled and rejects with that error; it is not
   * waited for. What rejects after its task was done is an uncaught exception, and ignored if the task had failed.
   */
  onProgress?: ((fraction: number) => unknown) | undefined
  /** Where to run. Default: `defaultPool`, one per process, shared by the main thread and every worker thread. */
  pool?: Executor | undefined
  /**
   * Hand the input's ArrayBuffer over (detach it: O(1), no copy). Without it, an ArrayBuffer-backed input is copied.
   * A Buffer that shares its memory with others, as small ones do, is copied all the same; on a SharedArrayBuffer it
   * means nothing.
   */
  transfer?: boolean | undefined
}

/**
 * What the synchronous forms take.
 *
 * @example
 * const count: number = heavyLoadSync(1e6, { timeout: 50 })
 */
export type SyncOptions = Pick<TaskOptions, 'timeout' | 'transfer'>
/**
 * What the AsyncTask forms take.
 *
 * @example
 * const count: number = await heavyLoadAsync(1e6, { signal: AbortSignal.timeout(50) })
 */
export type AsyncOptions = Pick<TaskOptions, 'signal' | 'timeout' | 'onProgress' | 'transfer'>

/**
 * What `run` of a pool takes: it is the pool.
 *
 * @example
 * const count: number = await defaultPool.run('heavyLoad', 1e6, { priority: 'high' })
 */
export type RunOptions = Omit<TaskOptions, 'pool'>

/** Names of kernels: those of {@link Kernels}, or any that a remote pool knows. */
export type KernelName = string
/** A kernel's function, which carries its name. */
export type Kernel<K> = ((...args: never[]) => unknown) & { readonly kernel?: K }
/** One of ours, in any of its three forms. */
export type KernelForm<K> = Kernel<K> & { readonly kernel: K }
/** What an executor in general knows of a kernel's types: nothing. {@link Pool.run} knows those of {@link Kernels}. */
export type KernelInput<_K> = any
export type KernelOutput<_K> = any
export type KernelOptions<_K> = object

/**
 * What `close` takes.
 *
 * @example
 * await new Pool().close({ timeout: 5000 })
 */
export interface CloseOptions {
  /** Cancels what is left at once. Default false. */
  force?: boolean | undefined
  /** Milliseconds until what is left is cancelled; > 0. Default Infinity: never. */
  timeout?: number | undefined
}

/**
 * What `map` takes inputs from; promises among them are awaited.
 *
 * @example
 * const inputs: MapInputs<number> = [1e6, Promise.resolve(2e6)]
 * for await (const { index, value } of defaultPool.map('heavyLoad', inputs)) console.log(index, value)
 */
export type MapInputs<T> = Iterable<T | PromiseLike<T>> | AsyncIterable<T>

/**
 * What `map` takes.
 *
 * @example
 * for await (const { value } of defaultPool.map('spin', [5, 1], { concurrency: 2, ordered: false })) console.log(value)
 */
export interface MapOptions extends RunOptions {
  /** Inputs that have been pulled and whose results have not been consumed, at most. Default: 4 a thread, at least 16. */
  concurrency?: number | undefined
  /** Results in the order of the inputs (the default), or as they come. */
  ordered?: boolean | undefined
}

/**
 * Something that runs kernels.
 *
 * @example
 * const digestOn = (executor: Executor, data: Buffer) => hash(data, { pool: executor })
 */
export interface Executor {
  /** Runs a kernel, given by name or by its function. */
  run<K extends KernelName>(
    kernel: K | Kernel<K>,
    input: KernelInput<K>,
    options?: KernelOptions<K> & RunOptions,
  ): Promise<KernelOutput<K>>
  /**
   * Runs `kernel` over many inputs with back-pressure: pulls from `inputs` only as results are consumed. Yields in input
   * order, or as they finish with `ordered: false`. Leaving the loop cancels what is left. So does a task that fails: the loop ends with its
   * error, which has the `index` of its input. A call that the pool has no place for is tried again once a task of the loop has ended.
   */
  map<K extends KernelName>(
    kernel: K | Kernel<K>,
    inputs: MapInputs<KernelInput<K>>,
    options?: KernelOptions<K> & MapOptions,
  ): AsyncIterableIterator<{ index: number; value: KernelOutput<K> }>
  /** Stops taking tasks and waits for those it has. */
  close(options?: CloseOptions): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * What {@link Pool.gate} takes. `maxThreads`, which a route may set for all of its tasks, means nothing: a gate counts as one thread.
 *
 * @example
 * const text = await defaultPool.gate(async () => 'done', { memory: 50e6, key: 'tenant', timeout: 2000 })
 */
export interface GateOptions extends Omit<TaskOptions, 'onProgress' | 'transfer'> {
  /** What the work takes from the pool's `maxMemory` while it runs, in bytes; >= 0. Default 0. */
  memory?: number | undefined
}

/**
 * Something that has others' work done under its own order.
 *
 * @example
 * const status = await defaultPool.gate(async ({ signal }) => (await fetch('http://127.0.0.1', { signal })).status)
 */
export interface Gate {
  /**
   * Runs an async function of yours (a call of sharp or DuckDB, a child process) as a task of the pool: it waits its turn, counts as one
   * thread and as `memory` bytes while it runs, and has key, weight, priority, timeout, signal and statistics like any other. When the task
   * is stopped, the promise rejects at once and the `signal` that `fn` was given aborts; the place is free when `fn` has settled.
   *
   * `fn` must not wait for other tasks of the same pool: they may be waiting for its place.
   */
  gate<T>(fn: (task: { readonly signal: AbortSignal }) => T | PromiseLike<T>, options?: GateOptions): Promise<T>
}

/**
 * What {@link loadFunctions} takes.
 *
 * @example
 * const functions = await loadFunctions(new URL('file:///app/functions.mjs'), { idleTimeout: 60_000 })
 */
export interface LoadFunctionsOptions {
  /** Whose order and budget the calls are under. Default: `defaultPool`. */
  pool?: Pool | undefined
  /** Milliseconds after which a worker thread that nobody has needed ends; > 0, Infinity for never. Default 10,000. */
  idleTimeout?: number | undefined
  /** Of each worker thread, as Node's Worker takes them. */
  resourceLimits?: ResourceLimits | undefined
}

/**
 * What a call of a function of {@link loadFunctions} takes.
 *
 * @example
 * const { render } = await loadFunctions<{ render(page: string): string }>('/app/functions.mjs')
 * const html: string = await render(['index'], { timeout: 500, onProgress: (fraction) => console.log(fraction) })
 */
export interface FunctionOptions extends Omit<TaskOptions, 'transfer'> {
  /** What the call takes from the pool's `maxMemory` while it runs, in bytes; >= 0. Default 0. */
  memory?: number | undefined
  /** What of `args` is moved rather than copied, as `postMessage` takes it. A call that is refused takes nothing. */
  transferList?: readonly any[] | undefined
}

/**
 * The functions of a module, each as a task: its arguments in an array, and options. A last parameter that tells progress is not among the
 * arguments. What is no function is not there.
 *
 * @example
 * const functions: LoadedFunctions<{ add(a: number, b: number): number }> = await loadFunctions('/app/functions.mjs')
 * const sum: number = await functions.add([1, 2])
 */
export type LoadedFunctions<M> = {
  [K in keyof M]: M[K] extends (...args: infer A) => any
    ? (
        args: A | (A extends [...infer G, infer L] ? (((fraction: number) => void) extends L ? G : never) : never),
        options?: FunctionOptions,
      ) => Promise<M[K] extends (...args: any[]) => infer R ? Awaited<R> : any>
    : never
}

/**
 * Functions of your own in JavaScript: the exports of a module, each called as a task of a pool. They run on worker threads, started when they are
 * needed, as many at once as the pool lets run. Arguments are copied when they are called (structured clone); SharedArrayBuffers are shared.
 * Stopping a call ends its thread, and no other call. With `onProgress` the function is called with one more argument, a function to
 * tell it by, `progress(fraction)`. What it throws keeps its name, message, code and stack.
 *
 * `url`: of the module, or an absolute path. ERR_MODULE_LOAD if it cannot be loaded. In TypeScript, `loadFunctions<typeof import('./functions.mjs')>`
 * knows names, arguments and results.
 *
 * Rejects with ERR_MODULE_LOAD, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE or ERR_OUT_OF_RANGE. A call rejects with what the function throws, with
 * ABORT_ERR, ERR_TASK_TIMEOUT, ERR_POOL_OVERLOADED or ERR_POOL_CLOSED.
 *
 * @example
 * const { add } = await loadFunctions<{ add(a: number, b: number): number }>(new URL('file:///app/functions.mjs'))
 * const sum: number = await add([1, 2], { timeout: 1000 })
 */
export function loadFunctions<M = Record<string, (...args: any[]) => any>>(
  url: URL | string,
  options?: LoadFunctionsOptions,
): Promise<LoadedFunctions<M>>

/**
 * How a pool is made.
 *
 * @example
 * const pool = new Pool({ threads: 2, maxQueue: 100, maxMemory: 512e6, name: 'reports' })
 */
export interface PoolOptions {
  /** 1..1024. Default: the CPUs this process may really use (cgroup quota and affinity included), or HEAVY_LOAD_THREADS. */
  threads?: number | undefined
  /**
   * Tasks that may wait, paused ones included (0: none, a task runs only on an idle thread). One more rejects with
   * ERR_POOL_OVERLOADED; its buffers stay with the caller, `transfer` or not. Default 16384.
   */
  maxQueue?: number | undefined
  /** Linux: how much the pool's threads yield to the event loop (0..19). Default 4. Ignored elsewhere. */
  niceness?: number | undefined
  /**
   * Working memory that begun tasks may take together, in bytes, as their kernels estimate it; tasks that do not fit wait. What needs
   * more by itself runs alone. > 0, Infinity for no limit. Default: a quarter of the memory this process may use (cgroup limit included).
   */
  maxMemory?: number | undefined
  /** Shown in thread names. */
  name?: string | undefined
}

/**
 * Threads that run tasks: short ones pass long ones, running ones can be stopped. Emits 'drain', without arguments, when
 * {@link Pool.needsDrain} ends.
 *
 * Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, thrown; ERR_POOL_CLOSED and ERR_POOL_OVERLOADED reject.
 *
 * @example
 * await using pool = new Pool({ threads: 2 })
 * const count: number = await pool.run('heavyLoad', 1e9, { timeout: 2000 })
 */
export class Pool extends EventEmitter<{ drain: [] }> implements Executor, Gate {
  constructor(options?: PoolOptions)
  /** How many it has: its own, or those of the process's pool. */
  readonly threads: number
  /** As it was given; 'heavy-load' if nothing was. */
  readonly name: string
  /** True while the queue holds as many tasks as there are threads, or more. 'drain' is emitted when that ends. */
  readonly needsDrain: boolean
  on(event: 'drain', listener: () => void): this
  once(event: 'drain', listener: () => void): this
  off(event: 'drain', listener: () => void): this
  // generated: calls
  /**
   * Runs a kernel, given by its name or by its function, on this pool.
   *
   * Errors: those of the kernel; ERR_UNKNOWN_KERNEL, ABORT_ERR, ERR_TASK_TIMEOUT, ERR_POOL_OVERLOADED, ERR_POOL_CLOSED.
   *
   * @example
   * const digest: string = await pool.run('hash', Buffer.from('text'), { encoding: 'hex', timeout: 2000 })
   */
  run<E extends HashOptions['encoding'] = 'buffer'>(
    kernel: 'hash' | KernelForm<'hash'>,
    data: Bytes | ByteStream,
    options?: RunOptions & HashOptions & { encoding?: E },
  ): Promise<E extends 'hex' | 'base64' ? string : Buffer>
  run<T extends NumericView>(kernel: 'sort' | KernelForm<'sort'>, view: T, options?: RunOptions): Promise<T>
  run<K extends keyof Kernels>(
    kernel: K | KernelForm<K>,
    input: Kernels[K]['input'],
    options?: RunOptions & Kernels[K]['options'],
  ): Promise<Kernels[K]['output']>
  /**
   * Runs a kernel over many inputs, as {@link Executor.map} says.
   *
   * Errors: those of the kernel; ERR_UNKNOWN_KERNEL, ABORT_ERR, ERR_TASK_TIMEOUT, ERR_POOL_OVERLOADED, ERR_POOL_CLOSED. The error of an input has its `index`.
   *
   * @example
   * for await (const { index, value } of pool.map('heavyLoad', [1e6, 2e6])) console.log(index, value)
   */
  map<E extends HashOptions['encoding'] = 'buffer'>(
    kernel: 'hash' | KernelForm<'hash'>,
    inputs: MapInputs<Bytes | ByteStream>,
    options?: MapOptions & HashOptions & { encoding?: E },
  ): AsyncIterableIterator<{ index: number; value: E extends 'hex' | 'base64' ? string : Buffer }>
  map<T extends NumericView>(
    kernel: 'sort' | KernelForm<'sort'>,
    inputs: MapInputs<T>,
    options?: MapOptions,
  ): AsyncIterableIterator<{ index: number; value: T }>
  map<K extends keyof Kernels>(
    kernel: K | KernelForm<K>,
    inputs: MapInputs<Kernels[K]['input']>,
    options?: MapOptions & Kernels[K]['options'],
  ): AsyncIterableIterator<{ index: number; value: Kernels[K]['output'] }>
  // end of generated: calls
  gate: Gate['gate']
  /** The pool as it is now. */
  stats(): PoolStats
  /**
   * Stops taking tasks and waits for those it has; `force` cancels them; past `timeout` the rest are cancelled
   * (ERR_POOL_CLOSED). Idempotent. The default pool closes for this thread's environment only: others share it.
   */
  close(options?: CloseOptions): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * The pool that is used when none is given: one per process, started on first use.
 *
 * Errors: what HEAVY_LOAD_THREADS says is checked on first use: ERR_INVALID_ARG_VALUE.
 *
 * @example
 * console.log(defaultPool.threads, defaultPool.stats().queued)
 */
export const defaultPool: Pool

/**
 * Counts since the pool began, and durations in milliseconds.
 *
 * @example
 * const { queued, running, wait } = defaultPool.stats()
 * console.log(queued + running, wait.p99)
 */
export interface PoolStats {
  /** How many it has. */
  threads: number
  /** Tasks that have not begun. */
  queued: number
  /** Tasks that have begun and not ended, paused ones included. */
  running: number
  /** Tasks whose promises were fulfilled. */
  completed: number
  /** Tasks that ended with an error of their kernel's, or of their input. */
  failed: number
  /** Tasks stopped by `signal`, by `onProgress` or by `close`. */
  cancelled: number
  /** Tasks stopped by `timeout`. */
  timedOut: number
  /** Calls refused with ERR_POOL_OVERLOADED, at once or later; not those that `map` tries again by itself. */
  rejected: number
  /** Working memory of the tasks that have begun, in bytes, as their kernels estimate it, or as gates were told. */
  memory: number
  /** Share of thread time spent in kernels, and taken by gates that have ended, since the pool began, 0..1. */
  utilization: number
  /** Since the pool began, in milliseconds. */
  uptime: number
  /** From the call to the first instruction, in milliseconds. */
  wait: Percentiles
  /** From the first instruction to the end, in milliseconds. */
  run: Percentiles
}

/**
 * A summary of durations, in milliseconds; all 0 while there are none.
 *
 * @example
 * const { p50, p99 }: Percentiles = defaultPool.stats().run
 */
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

/**
 * An error of heavy-load's own; argument errors are TypeError and RangeError with Node's own codes.
 *
 * @example
 * try {
 *   await heavyLoad(1e15, { timeout: 100 })
 * } catch (error) {
 *   if (!(error instanceof HeavyLoadError)) throw error
 *   console.log(error.code === 'ERR_TASK_TIMEOUT', error.retryAfter)
 * }
 */
export class HeavyLoadError extends Error {
  constructor(code: string, message: string, options?: ErrorOptions)
  /** One of docs/reference/errors.md. */
  code: string
  /** With ERR_POOL_OVERLOADED: in how many seconds it may be tried again, where that can be told. */
  retryAfter?: number | undefined
  /** Where a task of a `map` has failed: which input was its. Argument errors have it, too. */
  index?: number | undefined
}

/**
 * Bytes, by any hand-over.
 *
 * @example
 * const data: Bytes = new TextEncoder().encode('text')
 */
export type Bytes = Buffer | Uint8Array | DataView | ArrayBuffer | SharedArrayBuffer | FrozenBuffer
/**
 * Bytes that come in pieces: a Readable, a web stream, an async iterable. They are asked for as fast as they are used, and copied when they
 * come. A task that ends before its stream lets go of that: a Readable is destroyed, a web stream cancelled, an iterator closed; a request
 * of a Node server stays open, so that it can be answered. Waiting for them counts for `timeout`, and neither as `wait` nor as `run` in
 * statistics. A call that is refused has not touched its stream; one
 * that somebody reads, or has read, is refused with ERR_INVALID_ARG_VALUE. `transfer` means nothing, and `onProgress` is told of the end only.
 *
 * @example
 * const file: ByteStream = createReadStream('/var/log/syslog')
 * const digest: string = await hash(file, { encoding: 'hex' })
 */
export type ByteStream = AsyncIterable<Bytes> | { getReader(): { read(): Promise<{ done: boolean; value?: any }> } }
/**
 * A typed array of numbers.
 *
 * @example
 * const numbers: NumericView = Float64Array.of(3, 1, 2)
 */
export type NumericView =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array

/**
 * Loads a dynamic library of kernels, in Rust or C (docs/guides/own-kernels.md), once a process; gives for each kernel `name`, `nameSync` and
 * `nameAsync`, which take the options that every task has and the kernel's own. From then on `kernel(name)` and `pool.run(name)` know it, too.
 * `path` is absolute, or a file: URL. It is native code, which runs with all the rights of the process.
 * `heavy-load types FILE` writes the type to give: `loadKernels<LoadedKernels>(path)`.
 * Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for a relative path, ERR_PLUGIN_LOAD.
 *
 * @example
 * const { countPrimes } = loadKernels('/app/my-kernels.node')
 * const count: number = await countPrimes?.(1e6, { timeout: 2000 })
 */
export function loadKernels<T extends object = Record<string, (input: any, options?: any) => any>>(
  path: string | URL,
): T

/**
 * Takes the bytes away from JS (detaches them, O(1)) so that any number of tasks can read them without a copy. Shared
 * memory cannot be taken away: ERR_INVALID_ARG_VALUE. A Buffer that shares its memory with others, as small ones do, is
 * copied.
 *
 * Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, thrown.
 *
 * @example
 * const data = freeze(Buffer.alloc(1e6))
 * const digests = await Promise.all([hash(data), hash(data, { algorithm: 'sha256' })])
 * const bytes: Uint8Array = data.thaw()
 */
export function freeze(data: Bytes): FrozenBuffer

/**
 * Bytes that any number of tasks read at once. Made by {@link freeze}; collected when it is dropped.
 *
 * @example
 * const data: FrozenBuffer = freeze(Buffer.from('text'))
 * const digest: string = await hash(data, { encoding: 'hex' })
 */
export class FrozenBuffer {
  private constructor()
  /** 0 once thawed. */
  readonly byteLength: number
  /** Gives the bytes back, O(1). Throws ERR_BUFFER_IN_USE while a task reads them. */
  thaw(): Uint8Array
}

// generated: kernels
/**
 * Counts from 0 to `iterations`, really executing each step, and resolves with the count. Splits over the pool's threads.
 *
 * `iterations`: integer, 0..2^53-1.
 *
 * Errors: ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE.
 *
 * Runs on the threads of a pool.
 *
 * @example
 * const count: number = await heavyLoad(1e9, { timeout: 2000 })
 */
export function heavyLoad(iterations: number, options?: TaskOptions): Promise<number>
/**
 * {@link heavyLoad} on the calling thread. The same errors.
 *
 * @example
 * const count: number = heavyLoadSync(1e9)
 */
export function heavyLoadSync(iterations: number, options?: SyncOptions): number
/**
 * {@link heavyLoad} on libuv's thread pool, as an N-API AsyncTask. The same errors.
 *
 * @example
 * const count: number = await heavyLoadAsync(1e9, { timeout: 2000 })
 */
export function heavyLoadAsync(iterations: number, options?: AsyncOptions): Promise<number>
export namespace heavyLoad {
  const kernel: 'heavyLoad'
}
export namespace heavyLoadSync {
  const kernel: 'heavyLoad'
}
export namespace heavyLoadAsync {
  const kernel: 'heavyLoad'
}

/** What `heavyLoadShared` takes beside the options of every task. */
export interface HeavyLoadSharedOptions {
  /** Steps for each element: integer, 0..2^32-1. Default 1000. */
  rounds?: number | undefined
}
/**
 * The heavy load over a buffer, in place and without a copy: advances every element by `rounds` xorshift32 steps
 * (x ^= x << 13; x ^= x >>> 17; x ^= x << 5). `view` stands on a SharedArrayBuffer (worked in place while JS can read it;
 * resolves with the same view), or on an ArrayBuffer with `transfer: true` (resolves with a new view over the same memory).
 * An ArrayBuffer without `transfer` rejects with ERR_INVALID_ARG_VALUE: this form never copies.
 *
 * Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE. Source: Marsaglia, "Xorshift RNGs", 2003.
 *
 * Runs on the threads of a pool.
 *
 * @example
 * const view: Uint32Array = await heavyLoadShared(new Uint32Array(new SharedArrayBuffer(1024)), { rounds: 10, timeout: 2000 })
 */
export function heavyLoadShared(view: Uint32Array, options?: TaskOptions & HeavyLoadSharedOptions): Promise<Uint32Array>
/**
 * {@link heavyLoadShared} on the calling thread. The same errors.
 *
 * @example
 * const view: Uint32Array = heavyLoadSharedSync(new Uint32Array(new SharedArrayBuffer(1024)), { rounds: 10 })
 */
export function heavyLoadSharedSync(view: Uint32Array, options?: SyncOptions & HeavyLoadSharedOptions): Uint32Array
/**
 * {@link heavyLoadShared} on libuv's thread pool, as an N-API AsyncTask. The same errors.
 *
 * @example
 * const view: Uint32Array = await heavyLoadSharedAsync(new Uint32Array(new SharedArrayBuffer(1024)), { rounds: 10, timeout: 2000 })
 */
export function heavyLoadSharedAsync(
  view: Uint32Array,
  options?: AsyncOptions & HeavyLoadSharedOptions,
): Promise<Uint32Array>
export namespace heavyLoadShared {
  const kernel: 'heavyLoadShared'
}
export namespace heavyLoadSharedSync {
  const kernel: 'heavyLoadShared'
}
export namespace heavyLoadSharedAsync {
  const kernel: 'heavyLoadShared'
}

/**
 * Uses `ms` of CPU time (of the thread that runs it, not wall time: a task that is paused for others does not finish
 * sooner) on one thread, in steps that can be paused and stopped; a calibrated stand-in for any CPU work. Resolves with the
 * CPU ms used.
 *
 * `ms`: finite number >= 0, milliseconds.
 *
 * Errors: ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE.
 *
 * Runs on the threads of a pool.
 *
 * @example
 * const ms: number = await spin(5, { timeout: 2000 })
 */
export function spin(ms: number, options?: TaskOptions): Promise<number>
/**
 * {@link spin} on the calling thread. The same errors.
 *
 * @example
 * const ms: number = spinSync(5)
 */
export function spinSync(ms: number, options?: SyncOptions): number
/**
 * {@link spin} on libuv's thread pool, as an N-API AsyncTask. The same errors.
 *
 * @example
 * const ms: number = await spinAsync(5, { timeout: 2000 })
 */
export function spinAsync(ms: number, options?: AsyncOptions): Promise<number>
export namespace spin {
  const kernel: 'spin'
}
export namespace spinSync {
  const kernel: 'spin'
}
export namespace spinAsync {
  const kernel: 'spin'
}

/** What `hash` takes beside the options of every task. */
export interface HashOptions {
  /** Default 'blake3'. 'xxh3' gives 8 bytes and 'crc32' 4, both big-endian, as their tools print them. */
  algorithm?: 'blake3' | 'sha256' | 'sha512' | 'xxh3' | 'crc32' | undefined
  /** Of the result. Default 'buffer'. */
  encoding?: 'buffer' | 'hex' | 'base64' | undefined
}
/**
 * Digest of `data`: a Buffer, or a string with `encoding` 'hex' or 'base64'. On a pool, `data` may also be a stream of bytes.
 *
 * Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_MEMORY. Sources: BLAKE3 (O'Connor et al., 2020), SHA-2 (FIPS 180-4), XXH3 (its
 * 64-bit form, seed 0), CRC-32 (IEEE 802.3).
 *
 * Runs on the threads of a pool.
 *
 * @example
 * const digest: string = await hash(Buffer.from('text'), { algorithm: 'sha256', encoding: 'hex', timeout: 2000 })
 */
export function hash(
  data: Bytes | ByteStream,
  options: TaskOptions & HashOptions & { encoding: 'hex' | 'base64' },
): Promise<string>
/** {@link hash} on a pool, where `encoding` is 'buffer' or left out. */
export function hash(
  data: Bytes | ByteStream,
  options?: TaskOptions & HashOptions & { encoding?: 'buffer' | undefined },
): Promise<Buffer>
/** {@link hash} on a pool, where `encoding` may be any. */
export function hash(data: Bytes | ByteStream, options?: TaskOptions & HashOptions): Promise<string | Buffer>
/**
 * {@link hash} on the calling thread. The same errors.
 *
 * @example
 * const digest: string = hashSync(Buffer.from('text'), { algorithm: 'sha256', encoding: 'hex' })
 */
export function hashSync(data: Bytes, options: SyncOptions & HashOptions & { encoding: 'hex' | 'base64' }): string
/** {@link hash} on the calling thread, where `encoding` is 'buffer' or left out. */
export function hashSync(data: Bytes, options?: SyncOptions & HashOptions & { encoding?: 'buffer' | undefined }): Buffer
/** {@link hash} on the calling thread, where `encoding` may be any. */
export function hashSync(data: Bytes, options?: SyncOptions & HashOptions): string | Buffer
/**
 * {@link hash} on libuv's thread pool, as an N-API AsyncTask. The same errors.
 *
 * @example
 * const digest: string = await hashAsync(Buffer.from('text'), { algorithm: 'sha256', encoding: 'hex', timeout: 2000 })
 */
export function hashAsync(
  data: Bytes,
  options: AsyncOptions & HashOptions & { encoding: 'hex' | 'base64' },
): Promise<string>
/** {@link hash} on libuv's thread pool, as an N-API AsyncTask, where `encoding` is 'buffer' or left out. */
export function hashAsync(
  data: Bytes,
  options?: AsyncOptions & HashOptions & { encoding?: 'buffer' | undefined },
): Promise<Buffer>
/** {@link hash} on libuv's thread pool, as an N-API AsyncTask, where `encoding` may be any. */
export function hashAsync(data: Bytes, options?: AsyncOptions & HashOptions): Promise<string | Buffer>
export namespace hash {
  const kernel: 'hash'
}
export namespace hashSync {
  const kernel: 'hash'
}
export namespace hashAsync {
  const kernel: 'hash'
}

/**
 * Sorts numbers ascending as TypedArray.prototype.sort does (NaN last, -0 before 0). Resolves with a new array, or, with
 * `transfer: true`, with a view over the same memory; an array over a SharedArrayBuffer is sorted in place, and is what the
 * promise resolves with.
 *
 * Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_MEMORY.
 *
 * Runs on the threads of a pool.
 *
 * @example
 * const sorted: Float64Array = await sort(Float64Array.of(3, 1, 2), { timeout: 2000 })
 */
export function sort<T extends NumericView>(view: T, options?: TaskOptions): Promise<T>
/**
 * {@link sort} on the calling thread. The same errors.
 *
 * @example
 * const sorted: Float64Array = sortSync(Float64Array.of(3, 1, 2))
 */
export function sortSync<T extends NumericView>(view: T, options?: SyncOptions): T
/**
 * {@link sort} on libuv's thread pool, as an N-API AsyncTask. The same errors.
 *
 * @example
 * const sorted: Float64Array = await sortAsync(Float64Array.of(3, 1, 2), { timeout: 2000 })
 */
export function sortAsync<T extends NumericView>(view: T, options?: AsyncOptions): Promise<T>
export namespace sort {
  const kernel: 'sort'
}
export namespace sortSync {
  const kernel: 'sort'
}
export namespace sortAsync {
  const kernel: 'sort'
}

/**
 * Every kernel's types, by name. Kernels of your own can be declared here, too.
 *
 * @example
 * declare module 'heavy-load' {
 *   interface Kernels {
 *     countPrimes: { input: number; options: { segment?: number }; output: number }
 *   }
 * }
 */
export interface Kernels {
  heavyLoad: { input: number; options: object; output: number }
  heavyLoadShared: { input: Uint32Array; options: HeavyLoadSharedOptions; output: Uint32Array }
  spin: { input: number; options: object; output: number }
  hash: { input: Bytes | ByteStream; options: HashOptions; output: string | Buffer }
  sort: { input: NumericView; options: object; output: NumericView }
}

/**
 * The pool form of a kernel by its name: `kernel('hash')` is {@link hash}. Errors: ERR_INVALID_ARG_TYPE, ERR_UNKNOWN_KERNEL, thrown.
 *
 * @example
 * const count: number = await kernel('heavyLoad')(1e6, { timeout: 2000 })
 */
export function kernel(name: 'heavyLoad'): typeof heavyLoad
export function kernel(name: 'heavyLoadShared'): typeof heavyLoadShared
export function kernel(name: 'spin'): typeof spin
export function kernel(name: 'hash'): typeof hash
export function kernel(name: 'sort'): typeof sort
export function kernel<K extends keyof Kernels>(
  name: K,
): ((input: Kernels[K]['input'], options?: TaskOptions & Kernels[K]['options']) => Promise<Kernels[K]['output']>) & {
  readonly kernel: K
}
export function kernel(name: string): ((input: any, options?: any) => Promise<any>) & { readonly kernel: string }
// end of generated: kernels
