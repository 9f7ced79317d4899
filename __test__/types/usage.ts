// What TypeScript users write; `npm run lint` compiles it. Expected errors are part of it.
import { Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import {
  defaultPool,
  type Executor,
  freeze,
  hash,
  hashSync,
  heavyLoad,
  heavyLoadSync,
  Pool,
  sort,
  spinAsync,
} from '../..'

export async function usage(remote: Executor) {
  const count: number = await heavyLoad(1e6, { timeout: 100, priority: 'high', pool: remote })
  const same: number = heavyLoadSync(count, { timeout: 5 })
  const digest: Buffer | string = await hash(freeze(Buffer.alloc(8)), { algorithm: 'sha256', encoding: 'hex' })
  const sorted: Float64Array = await sort(new Float64Array(3), { transfer: true })
  const byName: number = await defaultPool.run('heavyLoad', 1)
  const byFunction: number = await defaultPool.run(heavyLoad, 1, { key: 'a', weight: 2 })
  for await (const { index, value } of new Pool({ threads: 1 }).map('spin', [1, 2], { ordered: false })) {
    const ms: number = index + value
    void ms
  }
  const ofStreams: (Buffer | string)[] = [
    await hash(Readable.from([])),
    await hash(new ReadableStream<Uint8Array>(), { algorithm: 'sha256' }),
    await hash((async function* () {})()),
  ]
  // @ts-expect-error the synchronous form takes no stream
  hashSync(Readable.from([]))
  // @ts-expect-error a string is no count
  await heavyLoad('1')
  // @ts-expect-error the synchronous form takes no signal
  heavyLoadSync(1, { signal: new AbortController().signal })
  // @ts-expect-error nor does libuv's pool know priorities
  await spinAsync(1, { priority: 'low' })
  // @ts-expect-error frozen buffers are made by freeze
  await hash({ byteLength: 1 })
  return [count, same, digest, ofStreams, sorted, byName, byFunction]
}
