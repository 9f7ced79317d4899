// Whatever remote pools have in Redis has a time to live, for callers and workers that are no more.
import test from 'ava'
import { Queue } from 'bullmq'
import { sort } from 'heavy-load'
import { errorOf } from '../helpers/errors.mjs'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import { eventually, keysIn, openClient, openRemote, openWorker } from '../helpers/remote-open.mjs'

const MIB = 2 ** 20

withRedis(test, 'the time to live of payloads', () => {
  const redis = redisFor(test)

  test.serial('whatever is in Redis has a time to live', async (t) => {
    const remote = openRemote(t, redis, { payloadTtl: 50_000 })
    const client = openClient(t, redis)
    const task = sort(new Uint8Array(9 * MIB), { pool: remote })
    const timed = sort(new Uint8Array(10), { pool: remote, timeout: 20_000 })
    await eventually(async () => (await keysIn(client, remote)).filter((key) => key.includes(':input:')).length === 2)
    const ttls = []
    for (const key of await keysIn(client, remote)) if (key.includes(':input:')) ttls.push(await client.pttl(key))
    ttls.sort((one, other) => one - other)
    t.true(ttls[0] > 10_000 && ttls[0] <= 30_000, `of its task, and some more: ${ttls}`)
    t.true(ttls[1] > 30_000 && ttls[1] <= 50_000, `of the option: ${ttls}`)

    // The worker's side is seen by a caller that does not read.
    const reply = await unread(t, redis, remote)
    await openWorker(t, redis, remote, { resultTtl: 40_000 })
    await Promise.all([task, timed])
    await eventually(() => client.exists(reply.result))
    const left = await client.pttl(reply.result)
    t.true(left > 0 && left <= 40_000)
    t.true((await client.pttl(reply.stream)) > 0)
  })

  test.serial('a stream of replies that is made anew has one again', async (t) => {
    const remote = openRemote(t, redis)
    const client = openClient(t, redis)
    const reply = await unread(t, redis, remote)
    await openWorker(t, redis, remote)
    await eventually(() => client.exists(reply.stream))
    await client.del(reply.stream)
    await reply.again()
    await eventually(() => client.exists(reply.stream))
    t.true((await client.pttl(reply.stream)) > 0)
  })

  test.serial('bytes that are over before the last piece is there do not stay for ever', async (t) => {
    const remote = openRemote(t, redis, { payloadTtl: 1 })
    const client = openClient(t, redis)
    const errors = [25 * MIB, MIB].map((size) => errorOf(sort(new Uint8Array(size), { pool: remote })))
    const keys = () => keysIn(client, remote)
    // Only then comes a worker: one that is there may be faster than the clock.
    await eventually(async () => (await keys()).filter((key) => !key.includes(':heavy-load:')).length === 2, 'two jobs')
    await eventually(async () => !(await keys()).some((key) => key.includes(':input:')), 'no input')
    await openWorker(t, redis, remote)
    for (const { code, message } of await Promise.all(errors)) {
      t.is(code, 'ERR_REMOTE')
      t.regex(message, /no longer/)
    }
  })
})

/** A job of a caller that is not there any more. */
async function unread(t, redis, remote) {
  const client = openClient(t, redis)
  const queue = new Queue(remote.name, { connection: client })
  const caller = '00000000-0000-0000-0000-000000000000'
  let sent = 0
  const add = async () => {
    const id = `${caller}-${sent++}`
    const base = `bull:${remote.name}:heavy-load`
    await client.hset(`${base}:input:${id}`, '0:0', Buffer.of(2, 1))
    await client.pexpire(`${base}:input:${id}`, 50_000)
    const data = {
      version: 1,
      caller,
      input: { $: 'Uint8Array', part: 0 },
      options: {},
      sizes: [2],
      priority: 'normal',
      weight: 1,
      maxThreads: 1,
    }
    await queue.add('sort', data, { jobId: id, attempts: 1 })
    return { result: `${base}:result:${id}`, stream: `${base}:replies:${caller}` }
  }
  return { ...(await add()), again: add }
}
