/**
 * The same calls on other machines: tasks travel over BullMQ and Redis to workers, which run them on pools of their own.
 * Needs `bullmq` and `ioredis`. docs/guides/scaling.md is the guide.
 */

import type { EventEmitter } from 'node:events'
import type { Redis, RedisOptions } from 'ioredis'
import type {
  ByteStream,
  Bytes,
  CloseOptions,
  Executor,
  HashOptions,
  Kernel,
  KernelForm,
  KernelName,
  Kernels,
  MapInputs,
  MapOptions,
  NumericView,
  Pool,
  PoolStats,
  RunOptions,
} from '../index.js'

/** The name of a kernel that is not of {@link Kernels}: one that the workers alone know, or a name that is known only when it runs. */
export type UndeclaredKernel<K extends KernelName> = K extends keyof Kernels ? never : K

/** Where callers and workers meet. */
export interface RemoteOptions {
  /**
   * Redis: a URL (`redis://`, or `rediss://` for TLS), ioredis' options, or an ioredis client, of which connections like
   * it are made. `retryStrategy` is kept; what would break the protocol (`replyMapping`, `stringNumbers`, timeouts of commands) is
   * overruled; a Redis Cluster and `keyPrefix` are refused.
   */
  connection: string | URL | (RedisOptions & { url?: string | URL }) | Redis
  /** The queue's name. Default 'heavy-load'. */
  queue?: string | undefined
  /** Of all keys in Redis, as BullMQ's option. Default 'bull'. */
  prefix?: string | undefined
  /** How long to wait until all is answered that is asked of Redis at first, in milliseconds; then ERR_REMOTE. Default 10 s. */
  connectTimeout?: number | undefined
}

/** How a remote pool is made. */
export interface RemotePoolOptions extends RemoteOptions {
  /**
   * How often a job is begun at most, also after workers that died with it. Arguments that are wrong, and whatever else
   * would go wrong again, is not tried again. Default 3.
   */
  attempts?: number | undefined
  /** The pause before another attempt, in milliseconds: fixed, or doubled each time. Default exponential from 200 ms. */
  backoff?: number | { type: 'fixed' | 'exponential'; delay: number } | undefined
  /** Most tasks of this pool that may wait for a worker, at least 1; one more rejects with ERR_POOL_OVERLOADED. Default 16384. */
  maxQueue?: number | undefined
  /** How long bytes may lie in Redis for a job that nobody does, in milliseconds. Default a day; with `timeout`, that. */
  payloadTtl?: number | undefined
}

/**
 * Runs tasks on other machines. At least once: a task whose worker dies is done again by another; its promise settles
 * once. `signal` and `timeout` stop it wherever it runs. Whatever fails between the machines rejects with ERR_REMOTE, and
 * says how in `cause`: also a deadline that passes because no worker is there, or Redis is away. Arguments are checked before anything is
 * sent. What would not be done within its `timeout`, by what waits and what the workers do, rejects with ERR_POOL_OVERLOADED and has
 * `retryAfter` (seconds).
 *
 * Buffers are always copied to the worker: with `transfer` none is made here. Shared memory is not shared with other
 * machines: results are new. Streams are refused, as Redis would have to hold them whole: read them first.
 */
export class RemotePool extends EventEmitter implements Executor {
  constructor(options: RemotePoolOptions)
  /** The queue's. */
  readonly name: string
  /** Of the workers that are there, all together; 0 before that is known, soon after the first task. */
  readonly threads: number
  /** True while as many tasks of this pool wait as the workers have threads, or more. 'drain' is emitted when that ends. */
  readonly needsDrain: boolean
  on(event: 'drain', listener: () => void): this
  once(event: 'drain', listener: () => void): this
  off(event: 'drain', listener: () => void): this
  /**
   * Of this pool's own tasks: `queued` (no worker has them), `running` (a worker has them), how their promises were settled, `wait`
   * and `run`. `threads`, `memory` and `utilization` are the workers', as they told last: `utilization` since their pools
   * began.
   */
  stats(): PoolStats
  // Kernels that are declared (`Kernels`) have their types; those that the workers alone know have none, and they check them.
  // generated: calls
  /**
   * Runs a kernel, given by its name or by its function, on this pool.
   *
   * Errors: those of the kernel; ERR_UNKNOWN_KERNEL, ABORT_ERR, ERR_TASK_TIMEOUT, ERR_POOL_OVERLOADED, ERR_POOL_CLOSED, ERR_REMOTE.
   *
   * @example
   * const digest: string = await remote.run('hash', Buffer.from('text'), { encoding: 'hex', timeout: 2000 })
   */
  run<E extends HashOptions['encoding'] = 'buffer'>(
    kernel: 'hash' | KernelForm<'hash'>,
    data: Bytes,
    options?: RunOptions & HashOptions & { encoding?: E },
  ): Promise<E extends 'hex' | 'base64' ? string : Buffer>
  run<T extends NumericView>(kernel: 'sort' | KernelForm<'sort'>, view: T, options?: RunOptions): Promise<T>
  run<K extends keyof Kernels>(
    kernel: K | KernelForm<K>,
    input: Exclude<Kernels[K]['input'], ByteStream>,
    options?: RunOptions & Kernels[K]['options'],
  ): Promise<Kernels[K]['output']>
  run<K extends KernelName>(
    kernel: UndeclaredKernel<K> | (Kernel<K> & Kernel<UndeclaredKernel<K>>),
    input: any,
    options?: RunOptions & Record<string, any>,
  ): Promise<any>
  /**
   * Runs a kernel over many inputs, as {@link Executor.map} says.
   *
   * Errors: those of the kernel; ERR_UNKNOWN_KERNEL, ABORT_ERR, ERR_TASK_TIMEOUT, ERR_POOL_OVERLOADED, ERR_POOL_CLOSED, ERR_REMOTE. The error of an input has its `index`.
   *
   * @example
   * for await (const { index, value } of remote.map('heavyLoad', [1e6, 2e6])) console.log(index, value)
   */
  map<E extends HashOptions['encoding'] = 'buffer'>(
    kernel: 'hash' | KernelForm<'hash'>,
    inputs: MapInputs<Bytes>,
    options?: MapOptions & HashOptions & { encoding?: E },
  ): AsyncIterableIterator<{ index: number; value: E extends 'hex' | 'base64' ? string : Buffer }>
  map<T extends NumericView>(
    kernel: 'sort' | KernelForm<'sort'>,
    inputs: MapInputs<T>,
    options?: MapOptions,
  ): AsyncIterableIterator<{ index: number; value: T }>
  map<K extends keyof Kernels>(
    kernel: K | KernelForm<K>,
    inputs: MapInputs<Exclude<Kernels[K]['input'], ByteStream>>,
    options?: MapOptions & Kernels[K]['options'],
  ): AsyncIterableIterator<{ index: number; value: Kernels[K]['output'] }>
  map<K extends KernelName>(
    kernel: UndeclaredKernel<K> | (Kernel<K> & Kernel<UndeclaredKernel<K>>),
    inputs: MapInputs<any>,
    options?: MapOptions & Record<string, any>,
  ): AsyncIterableIterator<{ index: number; value: any }>
  // end of generated: calls
  /**
   * Takes no more tasks, waits for those on their way, and lets Redis go; `force` cancels them; past `timeout` the rest
   * are cancelled (ERR_POOL_CLOSED). Idempotent. Until then its connections keep the process alive. A Redis that is away or silent keeps it
   * no longer than some seconds.
   */
  close(options?: CloseOptions): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** How a worker is started. */
export interface RemoteWorkerOptions extends RemoteOptions {
  /** Where the tasks run. Default: the process's own. */
  pool?: Pool | undefined
  /**
   * Jobs it holds at once. More than the pool has threads: short ones pass long ones here too, and the next one is there
   * when a thread is free. Default 4 a thread, at least 16.
   */
  concurrency?: number | undefined
  /** How long after its death a worker's jobs are another's, at most, but for `stalledInterval`; in milliseconds. Default 3 s. */
  lockDuration?: number | undefined
  /** How often it looks for such jobs, in milliseconds. Default a quarter of `lockDuration`. */
  stalledInterval?: number | undefined
  /** How long results lie in Redis for a caller that does not fetch them, in milliseconds. Default an hour. */
  resultTtl?: number | undefined
  /**
   * Called with what goes wrong beside the jobs, such as a Redis that is away or refuses results; with errors that are alike about once a
   * second. (Answers that Redis refuses for good, for want of rights, never reach their callers.) Default: nobody.
   */
  onError?: ((error: Error) => void) | undefined
}

/** Takes tasks from the queue. */
export interface RemoteWorker {
  readonly pool: Pool
  readonly concurrency: number
  /** Whether it takes jobs: not while Redis is away, nor once it is being closed. */
  readonly ready: boolean
  /**
   * Takes no more jobs and waits for those it has; `force`, or `timeout` (milliseconds) when it has passed, gives the
   * rest back to the queue for others. If Redis is away, then or later, and it has jobs, it waits until their work is done and then 5 s for
   * Redis, so that their answers are not lost; nothing is given back then, and others find them abandoned. Idempotent. Its pool stays open.
   */
  close(options?: CloseOptions): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts a worker in this process. Resolves when it takes jobs. */
export function startWorker(options: RemoteWorkerOptions): Promise<RemoteWorker>
