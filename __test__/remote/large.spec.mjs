// 64 MiB to a worker and back: byte by byte, and the worker's event loop goes on.
import { createHash } from 'node:crypto'
import test from 'ava'
import { sort } from 'heavy-load'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import { nothingLeft, openClient, openRemote } from '../helpers/remote-open.mjs'
import { forkWorker } from '../helpers/remote-worker.mjs'

const SIZE = 64 * 2 ** 20

withRedis(test, 'large payloads of remote pools', () => {
  const redis = redisFor(test)

  test.serial('64 MiB', async (t) => {
    const remote = openRemote(t, redis)
    const worker = await forkWorker(t, redis, remote, { lockDuration: 10_000 })
    // So that what is measured is not the compiler.
    await sort(new Uint8Array(9 * 2 ** 20), { pool: remote })

    const bytes = new Uint8Array(SIZE)
    for (let at = 0; at < SIZE; at++) bytes[at] = (at * 2_654_435_761) >>> 13
    const counts = new Uint32Array(256)
    for (const byte of bytes) counts[byte]++
    await worker.ask('measure')
    const began = performance.now()
    const sorted = await sort(bytes, { pool: remote, transfer: true })
    const took = performance.now() - began
    const delay = await worker.ask('delay')
    t.log(`longest delay of the worker's event loop: ${delay.toFixed(1)} of ${took.toFixed(0)} ms`)

    t.is(sorted.byteLength, SIZE)
    const expected = createHash('sha256')
    for (const [byte, count] of counts.entries()) expected.update(Buffer.alloc(count, byte))
    t.is(createHash('sha256').update(sorted).digest('hex'), expected.digest('hex'))
    // The machine may stop any process for a while; the transfer does not.
    t.true(delay < took / 2, `${delay} of ${took} ms`)
    await nothingLeft(t, openClient(t, redis), remote)
  })
})
