// What TypeScript users write, under the strictest settings; types.spec.mjs compiles it. Expected errors are part of it.
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import {
  defaultPool,
  type Executor,
  freeze,
  HeavyLoadError,
  hash,
  hashSync,
  heavyLoad,
  heavyLoadSync,
  kernel,
  loadFunctions,
  type MapOptions,
  Pool,
  type PoolOptions,
  sort,
  sortSync,
  spinAsync,
  type TaskOptions,
} from 'heavy-load'
import type { MetricsOptions } from 'heavy-load/metrics'
import type { RemotePoolOptions, RemoteWorkerOptions } from 'heavy-load/remote'

const pool = new Pool({ threads: 1 })
const bytes = Buffer.alloc(8)
const signal = new AbortController().signal
declare const floats: Float64Array
declare const numbers: Uint32Array
/** Something that may not be there: an option is not left out for that. */
declare const perhaps: undefined

export async function usage(remote: Executor) {
  const count: number = await heavyLoad(1e6, { timeout: 100, priority: 'high', pool: remote })
  const same: number = heavyLoadSync(count, { timeout: 5 })
  const sorted: Float64Array = await sort(new Float64Array(3), { transfer: true })
  const byName: number = await defaultPool.run('heavyLoad', 1)
  const byFunction: number = await defaultPool.run(heavyLoad, 1, { key: 'a', weight: 2 })
  const byAnotherForm: number = await defaultPool.run(heavyLoadSync, 1)
  for await (const { index, value } of new Pool({ threads: 1 }).map('spin', [1, 2], { ordered: false })) {
    const ms: number = index + value
    void ms
  }
  const ofStreams: (Buffer | string)[] = [
    await hash(Readable.from([])),
    await hash(new ReadableStream<Uint8Array>(), { algorithm: 'sha256' }),
    await hash((async function* () {})()),
  ]
  const named: number = await kernel('heavyLoad')(1, { timeout: 100 })
  const namedSort: Float64Array = await kernel('sort')(floats)
  const namedHash: string = await kernel('hash')(bytes, { encoding: 'hex' })
  const atRunTime: unknown = await kernel(String(named))({ any: namedSort }, { option: namedHash })
  void atRunTime
  // @ts-expect-error nor does a kernel by its name take what it does not take
  await kernel('heavyLoad')('1')
  // @ts-expect-error the synchronous form takes no stream
  hashSync(Readable.from([]))
  // @ts-expect-error a string is no count
  await heavyLoad('1')
  // @ts-expect-error the synchronous form takes no signal
  heavyLoadSync(1, { signal })
  // @ts-expect-error nor does libuv's pool know priorities
  await spinAsync(1, { priority: 'low' })
  // @ts-expect-error frozen buffers are made by freeze
  await hash({ byteLength: 1 })
  const gated: Buffer = await pool.gate(async ({ signal }) => (signal.aborted ? bytes : Buffer.alloc(1)), {
    signal,
    memory: 1e6,
    key: 'a',
    timeout: perhaps,
  })
  const gatedSync: number = await defaultPool.gate(() => 1)
  // @ts-expect-error nobody tells how far it is
  await pool.gate(async () => 1, { onProgress: () => {} })
  // @ts-expect-error remote pools have no places of this process
  await remote.gate(async () => 1)
  const { add } = await loadFunctions<{ add: (a: number, b: number) => number }>(new URL('file:///add.mjs'), {
    pool,
    resourceLimits: { maxOldGenerationSizeMb: 100 },
  })
  const sum: number = await add([1, 2], { timeout: 100, onProgress: () => {}, transferList: [] })
  const untyped = await loadFunctions('/an/absolute/path.mjs')
  const anything: string = await untyped.whatever?.([], { signal })
  // @ts-expect-error what is moved is listed
  await add([1, 2], { transfer: true })
  return [sum, anything, count, same, ofStreams, sorted, byName, byFunction, byAnotherForm, gated, gatedSync]
}

/** A digest is what its encoding says. */
export async function digests(encoding: 'buffer' | 'hex') {
  const options = { algorithm: 'sha256', encoding } as const
  const digest: Buffer = await hash(bytes)
  const ofAlgorithm: Buffer = await hash(freeze(bytes), { algorithm: 'sha256', key: 'a' })
  const asBuffer: Buffer = hashSync(bytes, { encoding: 'buffer' })
  const hex: string = await hash(bytes, { encoding: 'hex', signal })
  const onPool: string = await pool.run('hash', bytes, { encoding: 'base64' })
  const byFunction: Buffer = await pool.run(hash, bytes, { algorithm: 'xxh3' })
  const either: Buffer | string = await hash(bytes, options)
  // @ts-expect-error it may be a Buffer
  const notSure: string = await hash(bytes, options)
  for await (const { value } of pool.map('hash', [bytes], { encoding: 'hex' })) hex.concat(value)
  // @ts-expect-error there is no such encoding
  await hash(bytes, { encoding: 'base32' })
  // @ts-expect-error misspelt
  await hash(bytes, { timeout: 5, algorithim: 'sha256' })
  return [digest, ofAlgorithm, asBuffer, onPool, byFunction, either, notSure]
}

/** What is sorted keeps its type. */
export async function sorting() {
  const onPool: Float64Array = await pool.run(sort, floats)
  const byName: Uint32Array = await pool.run('sort', numbers, { transfer: true })
  const direct: Float64Array = sortSync(floats)
  for await (const { value } of pool.map(sort, [floats, Promise.resolve(floats)], { concurrency: 2 })) {
    const still: Float64Array = value
    void still
  }
  // @ts-expect-error these are not those
  const wrong: Uint32Array = await pool.run(sort, floats)
  return [onPool, byName, direct, wrong]
}

/** A name that no kernel has, an option that is misspelt. */
export async function mistakes() {
  // @ts-expect-error misspelt
  await pool.run('hevyLoad', 1)
  // @ts-expect-error misspelt
  pool.map('hevyLoad', [1])
  // @ts-expect-error no kernel
  await pool.run(() => 1, 1)
  // @ts-expect-error not what it takes
  await pool.run('heavyLoad', floats)
  // @ts-expect-error misspelt
  await pool.run('heavyLoad', 1, { timeout: 5, kye: 'a' })
  // @ts-expect-error misspelt
  await heavyLoad(1, { abortSignal: signal })
  // @ts-expect-error misspelt
  pool.map('spin', [1], { concurency: 1 })
  // @ts-expect-error it is the pool
  await pool.run('heavyLoad', 1, { pool })
  // @ts-expect-error it is the pool
  pool.map('spin', [1], { pool })
  // @ts-expect-error misspelt
  await pool.close({ forced: true })
  // @ts-expect-error misspelt
  return new Pool({ thread: 1 })
}

/** What may be `undefined` need not be left out; several signals need not be made one. */
export const options: (TaskOptions & MapOptions & PoolOptions & MetricsOptions)[] = [
  { signal: perhaps, timeout: perhaps, priority: perhaps, key: perhaps, weight: perhaps, maxThreads: perhaps },
  { onProgress: perhaps, pool: perhaps, transfer: perhaps, concurrency: perhaps, ordered: perhaps, pools: perhaps },
  { threads: perhaps, maxQueue: perhaps, niceness: perhaps, maxMemory: perhaps, name: perhaps },
  { signal },
  { signal: [signal, signal] },
]
export const remoteOptions: (RemotePoolOptions & RemoteWorkerOptions)[] = [
  { connection: 'redis://localhost', queue: perhaps, prefix: perhaps, connectTimeout: perhaps, attempts: perhaps },
  { connection: 'redis://localhost', backoff: perhaps, payloadTtl: perhaps, concurrency: perhaps, onError: perhaps },
]
export const calls: Promise<unknown>[] = [
  pool.run('hash', bytes, { algorithm: perhaps, encoding: perhaps }),
  pool.close({ force: perhaps, timeout: perhaps }),
]

/** A pool is an emitter, of one event. */
export async function draining() {
  if (pool.needsDrain) await once(pool, 'drain', { signal })
  pool.on('drain', () => {}).off('drain', () => {})
  // @ts-expect-error misspelt
  pool.on('drian', () => {})
}

/** Errors. */
export function failed(error: unknown): number {
  if (!(error instanceof HeavyLoadError)) throw new HeavyLoadError('ERR_REMOTE', 'Not ours', { cause: error })
  // @ts-expect-error without a code it is none
  new HeavyLoadError('a message')
  return error.retryAfter ?? error.code.length
}

// A kernel of one's own, such as a plug-in's, is declared.
declare module 'heavy-load' {
  interface Kernels {
    twice: { input: number; options: { rounds?: number }; output: number }
  }
}
export const declared: Promise<number> = pool.run('twice', 1, { rounds: 2, timeout: 5 })

// A callback of progress gives what it likes; what is async is looked after.
const fractions: number[] = []
heavyLoad(1, { onProgress: (fraction) => fractions.push(fraction) })
heavyLoad(1, { onProgress: async (fraction) => void fractions.push(fraction) })
