// Connections of a caller that break, and replies that come twice or are none.
import { once } from 'node:events'
import test from 'ava'
import { sort } from 'heavy-load'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import { begin, eventually, keysIn, nothingLeft, openAll, openClient, openRemote } from '../helpers/remote-open.mjs'
import { forkWorker } from '../helpers/remote-worker.mjs'

const MIB = 2 ** 20

withRedis(test, 'lost connections of callers', () => {
  const redis = redisFor(test)

  /** Ends all connections but the one that says so. */
  const killAll = (client) => client.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  const connections = async (client) => (await client.client('LIST', 'TYPE', 'normal')).trim().split('\n').length

  test.serial('whoever waits gets the result', async (t) => {
    const { remote, client } = await openAll(t, redis)
    t.is(await remote.run('heavyLoad', 1000), 1000)
    const open = await connections(client)
    const tasks = Array.from({ length: 20 }, (_, number) => remote.run('spin', 20).then(() => number))
    const large = sort(new Uint8Array(20 * MIB).fill(5), { pool: remote })
    let done = false
    const all = Promise.all([...tasks, large]).finally(() => {
      done = true
    })
    let kills = 0
    while (!done && kills < 5) {
      await killAll(client)
      kills++
      await eventually(async () => done || (await connections(client)) >= open, 'all connections once more')
    }
    const numbers = await all
    t.true(Buffer.alloc(20 * MIB, 5).equals(numbers.pop()))
    t.deepEqual(numbers, [...Array(20).keys()])
    t.true(kills > 1)
    await nothingLeft(t, client, remote)
  })

  test.serial('also while it is being fetched', async (t) => {
    const remote = openRemote(t, redis)
    const client = openClient(t, redis)
    const worker = await forkWorker(t, redis, remote, { lockDuration: 10_000 })
    // The only reply says that the result is there; then it is fetched piece by piece.
    await client.config('SET', 'notify-keyspace-events', 'Kt')
    const listener = openClient(t, redis)
    const replied = once(listener, 'pmessage')
    await listener.psubscribe(`__keyspace@0__:bull:${remote.name}:heavy-load:replies:*`)
    const task = sort(new Uint8Array(40 * MIB).fill(5), { pool: remote })
    t.is((await replied)[2], 'xadd')
    await killAll(client)
    t.true(Buffer.alloc(40 * MIB, 5).equals(await task))
    t.is((await worker.ask('stats')).running, 0)
    await nothingLeft(t, client, remote)
  })

  test.serial('a reply that comes twice settles once, and leaves nothing', async (t) => {
    const { remote, client } = await openAll(t, redis)
    const told = []
    await begin(remote)
    const task = sort(Uint8Array.of(2, 1), { pool: remote, onProgress: (fraction) => told.push(fraction) })
    const sorted = await task
    // By hand, as a worker that was thought dead would.
    const [stream] = (await keysIn(client, remote)).filter((key) => key.includes(':replies:'))
    const caller = stream.split(':').at(-1)
    const result = `bull:${remote.name}:heavy-load:result:${caller}-1`
    for (let time = 0; time < 2; time++) {
      await client.hset(result, '0:0', Buffer.of(9, 9))
      const reply = { value: { $: 'Uint8Array', part: 0 }, sizes: [2], run: 1 }
      await client.xadd(stream, '*', `${caller}-1`, JSON.stringify(reply))
      await client.xadd(stream, '*', `${caller}-1`, JSON.stringify({ progress: 0.5 }))
      await client.xadd(stream, '*', `${caller}-1`, JSON.stringify({ error: { message: 'no' } }))
    }
    t.deepEqual(sorted, Uint8Array.of(1, 2))
    t.is(told.at(-1), 1)
    // One more through the same stream: whatever was before it has been read.
    t.is(await remote.run('heavyLoad', 1000), 1000)
    await eventually(async () => (await client.xlen(stream)) === 0, 'a stream that has been read')
    await eventually(async () => (await client.exists(result)) === 0, 'no result')
  })

  test.serial('a reply twice for one that still waits', async (t) => {
    const { remote, client } = await openAll(t, redis)
    const { promise } = await begin(remote)
    const [stream] = (await keysIn(client, remote)).filter((key) => key.includes(':replies:'))
    const id = `${stream.split(':').at(-1)}-0`
    const reply = JSON.stringify({ value: 5, sizes: [], run: 1 })
    await client.multi().xadd(stream, '*', id, reply).xadd(stream, '*', id, reply).exec()
    t.is(await promise, 5)
  })

  test.serial('what is no reply does not keep others from theirs', async (t) => {
    const { remote, client } = await openAll(t, redis)
    const { promise } = await begin(remote)
    const [stream] = (await keysIn(client, remote)).filter((key) => key.includes(':replies:'))
    const id = `${stream.split(':').at(-1)}-0`
    const garbage = ['', 'no JSON', 'null', '5', '{}', '{"value":1}', '{"value":{"$":"Unknown","part":0},"sizes":[]}']
    await client.xadd(stream, '*', 'anything', 'else')
    for (const text of garbage.slice(0, -1)) await client.xadd(stream, '*', `${id}0`, text)
    t.is(await remote.run('heavyLoad', 1000), 1000)
    // Of a worker that knows more kinds than this caller: the task's own failure.
    await client.xadd(stream, '*', id, garbage.at(-1))
    await t.throwsAsync(promise, { code: 'ERR_REMOTE' })
    t.is(await remote.run('heavyLoad', 1000), 1000)
  })
})
