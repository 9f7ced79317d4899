// What calls give and take, by TypeScript's inference. inference.spec.mjs checks it as an ES module and as CommonJS, under `nodenext` and `bundler`.
import { Readable } from 'node:stream'
import {
  type ByteStream,
  type Bytes,
  defaultPool,
  type Executor,
  FrozenBuffer,
  freeze,
  HeavyLoadError,
  hash,
  hashAsync,
  hashSync,
  heavyLoad,
  heavyLoadAsync,
  heavyLoadSync,
  type Kernels,
  kernel,
  type LoadedFunctions,
  loadFunctions,
  loadKernels,
  Pool,
  sort,
  sortAsync,
  sortSync,
  type TaskOptions,
} from 'heavy-load'
import { compress } from 'heavy-load/compression'
import { topK } from 'heavy-load/data'
import { resizeImage } from 'heavy-load/image'
import { hashPassword, needsRehash, verifyPassword } from 'heavy-load/passwords'
import type { RemotePool } from 'heavy-load/remote'
import { matchText } from 'heavy-load/text'
import { describe, expect, test } from 'tstyche'

declare const bytes: Buffer
declare const floats: Float64Array<ArrayBuffer>
declare const shared: Int32Array<SharedArrayBuffer>
declare const pool: Pool
declare const remote: RemotePool
declare const executor: Executor
declare const either: 'hex' | 'base64'
declare const any: 'hex' | 'buffer'

// As `heavy-load types FILE` writes it for a plug-in.
interface CountPrimesOptions {
  segment?: number | undefined
}
interface LoadedKernels {
  countPrimes(limit: number, options?: TaskOptions & CountPrimesOptions): Promise<number>
}
declare module 'heavy-load' {
  interface Kernels {
    countPrimes: { input: number; options: CountPrimesOptions; output: number }
  }
}

describe('options that are literals choose what a call gives', () => {
  test('of a function', () => {
    expect(hash(bytes)).type.toBe<Promise<Buffer>>()
    expect(hash(bytes, {})).type.toBe<Promise<Buffer>>()
    expect(hash(bytes, { algorithm: 'sha256', timeout: 5 })).type.toBe<Promise<Buffer>>()
    expect(hash(bytes, { encoding: undefined })).type.toBe<Promise<Buffer>>()
    expect(hash(bytes, { encoding: 'buffer' })).type.toBe<Promise<Buffer>>()
    expect(hash(bytes, { encoding: 'hex' })).type.toBe<Promise<string>>()
    expect(hash(bytes, { encoding: either })).type.toBe<Promise<string>>()
    expect(hash(bytes, { encoding: any })).type.toBe<Promise<string | Buffer>>()
    expect(hash(Readable.from([]), { encoding: 'base64' })).type.toBe<Promise<string>>()
    expect(hashSync(bytes, { encoding: 'hex' })).type.toBe<string>()
    expect(hashSync(bytes)).type.toBe<Buffer>()
    expect(hashAsync(bytes, { encoding: 'hex' })).type.toBe<Promise<string>>()
  })

  test('of a pool, whatever names the kernel', () => {
    expect(pool.run('hash', bytes)).type.toBe<Promise<Buffer>>()
    expect(pool.run('hash', bytes, { encoding: 'hex' })).type.toBe<Promise<string>>()
    expect(pool.run(hash, Readable.from([]), { encoding: either })).type.toBe<Promise<string>>()
    expect(defaultPool.run(hashSync, bytes, { algorithm: 'crc32' })).type.toBe<Promise<Buffer>>()
    expect(remote.run('hash', bytes)).type.toBe<Promise<Buffer>>()
    expect(remote.run('hash', bytes, { encoding: 'hex' })).type.toBe<Promise<string>>()
    expect(remote.run(hash, bytes, { encoding: any })).type.toBe<Promise<string | Buffer>>()
    expect(kernel('hash')(bytes, { encoding: 'hex' })).type.toBe<Promise<string>>()
  })
})

describe('what a call gives is of the type that it was given', () => {
  test('sort, in all forms', () => {
    expect(sort(floats)).type.toBe<Promise<Float64Array<ArrayBuffer>>>()
    expect(sort(shared)).type.toBe<Promise<Int32Array<SharedArrayBuffer>>>()
    expect(sortSync(floats, { transfer: true })).type.toBe<Float64Array<ArrayBuffer>>()
    expect(sortAsync(floats)).type.toBe<Promise<Float64Array<ArrayBuffer>>>()
    expect(pool.run('sort', floats)).type.toBe<Promise<Float64Array<ArrayBuffer>>>()
    expect(remote.run(sort, floats)).type.toBe<Promise<Float64Array<ArrayBuffer>>>()
  })

  test('gate', () => {
    expect(pool.gate(() => 1)).type.toBe<Promise<number>>()
    expect(pool.gate(async ({ signal }) => signal)).type.toBe<Promise<AbortSignal>>()
  })

  test('loadFunctions', async () => {
    interface Module {
      add(a: number, b?: number): number
      later(): Promise<string>
      count(limit: number, progress: (fraction: number) => void): number
      limit: number
    }
    const { add, later, count, limit } = await loadFunctions<Module>('/module.mjs')
    expect(add([1, 2])).type.toBe<Promise<number>>()
    expect(add([1], { timeout: 5, transferList: [] })).type.toBe<Promise<number>>()
    expect(later([])).type.toBe<Promise<string>>()
    expect(count([1], { onProgress: () => {} })).type.toBe<Promise<number>>()
    expect(limit).type.toBe<never>()
    const { basename, sep } = await loadFunctions<typeof import('node:path')>('/path.mjs')
    expect(basename(['a/b.c', '.c'])).type.toBe<Promise<string>>()
    expect(sep).type.toBe<never>()
    const loaded: LoadedFunctions<Module> = await loadFunctions('/module.mjs')
    expect(loaded.add([1])).type.toBe<Promise<number>>()
    const untyped = await loadFunctions('/module.mjs')
    expect(untyped.add?.(['anything', 1])).type.toBe<Promise<any> | undefined>()
    const any = await loadFunctions<any>('/module.mjs')
    expect(any.add?.(['anything', 1])).type.toBe<Promise<any> | undefined>()
  })
})

describe('`run` and `map` infer from `Kernels`', () => {
  test('built-in kernels', () => {
    expect(pool.run('heavyLoad', 1)).type.toBe<Promise<number>>()
    expect(pool.run(heavyLoad, 1)).type.toBe<Promise<number>>()
    expect(pool.run(heavyLoadSync, 1)).type.toBe<Promise<number>>()
    expect(pool.run(heavyLoadAsync, 1)).type.toBe<Promise<number>>()
    expect(remote.run('heavyLoad', 1)).type.toBe<Promise<number>>()
    expect(pool.map('spin', [1])).type.toBe<AsyncIterableIterator<{ index: number; value: number }>>()
    expect(remote.map('spin', [1])).type.toBe<AsyncIterableIterator<{ index: number; value: number }>>()
    expect(pool.map('sort', [floats])).type.toBe<
      AsyncIterableIterator<{ index: number; value: Float64Array<ArrayBuffer> }>
    >()
    expect(pool.map(hash, [Promise.resolve(bytes)], { encoding: 'hex', ordered: false })).type.toBe<
      AsyncIterableIterator<{ index: number; value: string }>
    >()
  })

  test('kernels of packs, once the types of the pack are imported', () => {
    expect(pool.run('compress', bytes, { format: 'zstd', level: 3 })).type.toBe<Promise<Buffer>>()
    expect(pool.run(compress, bytes)).type.toBe<Promise<Buffer>>()
    expect(pool.run('verifyPassword', 'secret', { hash: '$2b$' })).type.toBe<Promise<boolean>>()
    expect(remote.run('hashPassword', 'secret')).type.toBe<Promise<string>>()
    expect(pool.map(matchText, ['text'], { pattern: 'x' })).type.toBe<
      AsyncIterableIterator<{ index: number; value: Awaited<ReturnType<typeof matchText>> }>
    >()
    expect(kernel('hashPassword')('secret', { timeout: 5 })).type.toBe<Promise<string>>()
    expect(needsRehash('$2b$')).type.toBe<boolean>()
    expect(verifyPassword('secret', { hash: '' })).type.toBe<Promise<boolean>>()
  })

  test('kernels of plug-ins that are declared', () => {
    expect<Kernels>().type.toHaveProperty('countPrimes')
    expect(pool.run('countPrimes', 10, { segment: 1, key: 'a' })).type.toBe<Promise<number>>()
    expect(remote.run('countPrimes', 10)).type.toBe<Promise<number>>()
    expect(pool.map('countPrimes', [10])).type.toBe<AsyncIterableIterator<{ index: number; value: number }>>()
    expect(kernel('countPrimes')(10)).type.toBe<Promise<number>>()
    expect(loadKernels<LoadedKernels>('/plugin.so')).type.toBe<LoadedKernels>()
  })

  test('names that are known only when it runs', () => {
    const name = String('heavyLoad')
    expect(kernel(name)(1)).type.toBe<Promise<any>>()
    expect(remote.run(name, 1, { anything: true })).type.toBe<Promise<any>>()
    expect(remote.run('ofAWorker', 1)).type.toBe<Promise<any>>()
    expect(remote.map('ofAWorker', [1])).type.toBe<AsyncIterableIterator<{ index: number; value: any }>>()
    expect(remote.run((input: number) => input, 1)).type.toBe<Promise<any>>()
    expect(executor.run(name, 1)).type.toBe<Promise<any>>()
  })
})

describe('errors', () => {
  test('a kernel is not called with what it does not take', () => {
    expect(heavyLoad).type.not.toBeCallableWith('1')
    expect(heavyLoad).type.not.toBeCallableWith(1, { timout: 1 })
    expect(heavyLoadSync).type.not.toBeCallableWith(1, { priority: 'high' })
    expect(heavyLoadAsync).type.not.toBeCallableWith(1, { pool })
    expect(hash).type.not.toBeCallableWith('text')
    expect(hash).type.not.toBeCallableWith(bytes, { encoding: 'base32' })
    expect(hashSync).type.not.toBeCallableWith(Readable.from([]))
    expect(sort).type.not.toBeCallableWith([1, 2])
    expect(compress).type.not.toBeCallableWith(bytes, { format: 'rar' })
    expect(verifyPassword).type.not.toBeCallableWith('secret')
    expect(resizeImage).type.not.toBeCallableWith(bytes, { fit: 'outside' })
    expect(topK).type.not.toBeCallableWith(floats)
    expect(hashPassword).type.not.toBeCallableWith('secret', { algorithm: 'md5' })
  })

  test('nor is a function of a module', async () => {
    interface Module {
      add(a: number, b: number): number
      count(limit: number, progress: (fraction: number) => void): number
    }
    const { add, count } = await loadFunctions<Module>('/module.mjs')
    expect(add).type.not.toBeCallableWith(1, 2)
    expect(add).type.not.toBeCallableWith([1])
    expect(add).type.not.toBeCallableWith([1, '2'])
    expect(add).type.not.toBeCallableWith([1, 2, 3])
    expect(add).type.not.toBeCallableWith([1, 2], { transfer: true })
    expect(count).type.not.toBeCallableWith([])
    expect(count).type.not.toBeCallableWith(['1'])
    expect(await loadFunctions<Module>('/module.mjs')).type.not.toHaveProperty('ad')
    const { join } = await loadFunctions<typeof import('node:path')>('/path.mjs')
    expect(join).type.not.toBeCallableWith([1])
  })

  test('nor by a pool; which knows its kernels by name', () => {
    expect(pool.run).type.not.toBeCallableWith('hevyLoad', 1)
    expect(pool.run).type.not.toBeCallableWith('heavyLoad', '1')
    expect(pool.run).type.not.toBeCallableWith(heavyLoad, '1')
    expect(pool.run).type.not.toBeCallableWith('countPrimes', 1, { segments: 1 })
    expect(pool.run).type.not.toBeCallableWith('heavyLoad', 1, { pool })
    expect(pool.map).type.not.toBeCallableWith('spin', 1)
    expect(pool.map).type.not.toBeCallableWith('spin', [1], { concurency: 1 })
    expect(remote.run).type.not.toBeCallableWith('heavyLoad', '1')
    expect(remote.run).type.not.toBeCallableWith(heavyLoad, '1')
    expect(remote.run).type.not.toBeCallableWith('hash', bytes, { encoding: 'base32' })
    expect(remote.run).type.not.toBeCallableWith('hash', Readable.from([]))
    expect(remote.run).type.not.toBeCallableWith('heavyLoad', 1, { pool })
    expect(remote.map).type.not.toBeCallableWith('spin', ['1'])
  })

  test('what is thrown', () => {
    expect(HeavyLoadError).type.toBeConstructableWith('ERR_REMOTE', 'message', { cause: 1 })
    expect(HeavyLoadError).type.not.toBeConstructableWith('message')
    expect<HeavyLoadError>().type.toBeAssignableTo<Error>()
    expect<HeavyLoadError['code']>().type.toBe<string>()
    expect<HeavyLoadError['retryAfter']>().type.toBe<number | undefined>()
  })

  test('frozen buffers are made by `freeze` alone', () => {
    expect(freeze(bytes)).type.toBe<FrozenBuffer>()
    expect(freeze(bytes).thaw()).type.toBeAssignableTo<Uint8Array>()
    expect(FrozenBuffer).type.not.toBeConstructableWith()
  })
})

test('pools, local and remote, go wherever one is taken', () => {
  expect<Pool>().type.toBeAssignableTo<Executor>()
  expect<RemotePool>().type.toBeAssignableTo<Executor>()
  expect(hash).type.toBeCallableWith(bytes, { pool: remote })
  expect(new Pool({ threads: 1 })).type.toBe<Pool>()
  expect<Buffer | SharedArrayBuffer | DataView>().type.toBeAssignableTo<Bytes>()
  expect<Readable | ReadableStream<Uint8Array>>().type.toBeAssignableTo<ByteStream>()
})
