// What is in Redis may be anything: of another version, of a mistake, or of somebody who means harm.
import { createRequire } from 'node:module'
import test from 'ava'
import { Queue } from 'bullmq'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import { eventually, openAll } from '../helpers/remote-open.mjs'

const require = createRequire(import.meta.url)
const { unpack, unpackError } = require('../../lib/remote/wire.js')
const { Speed, look } = require('../../lib/remote/workers.js')
const GIB = 2 ** 30

test('names of Object.prototype are no kinds, no codes and no parts', (t) => {
  for (const name of ['toString', 'constructor', '__proto__', 'hasOwnProperty', 'nothing']) {
    t.throws(() => unpack({ $: name, part: 0 }, [new ArrayBuffer(1)]), { code: 'ERR_REMOTE' })
    t.throws(() => unpack({ $: 'Uint8Array', part: name }, [new ArrayBuffer(1)]), { code: 'ERR_REMOTE' })
    t.is(unpackError({ code: name, name: 'Error', message: 'a trick' }).code, 'ERR_REMOTE')
  }
  for (const tag of [5, {}, [], null, true]) t.throws(() => unpack({ $: tag, part: 0 }, []), { code: 'ERR_REMOTE' })
})

test('retryAfter is a number or nothing', (t) => {
  const of = (retryAfter) =>
    unpackError({ code: 'ERR_POOL_OVERLOADED', name: 'HeavyLoadError', message: 'full', retryAfter })
  t.is(of(2.5).retryAfter, 2.5)
  for (const wrong of [undefined, null, '5', '<script>', -1, {}, [5], true]) t.false('retryAfter' in of(wrong))
  t.is(unpackError({ code: {}, name: 5, message: {} }).code, 'ERR_REMOTE')
})

test('what workers tell may make no sense', async (t) => {
  const lines = ['a', '', 'b', '5', 'c', '5 {', 'd', '5 null', 'e', '5 {"threads":"many"}', 'f', 'x {}']
  const redis = { eval: async () => [5, lines, 0, 0, 0, 0] }
  const { workers } = await look(redis, {})
  t.deepEqual([...workers.keys()], ['e'])
  t.is(workers.get('e').threads, 0)
})

test('what workers tell is within bounds, or nothing', async (t) => {
  const of = async (json, at = 5) =>
    (await look({ eval: async () => [5, ['worker', `${at} ${json}`], 0, 0, 0, 0] }, {})).workers.get('worker')
  for (const name of ['protocol', 'threads', 'concurrency', 'done', 'utilization', 'memory']) {
    for (const wrong of ['1e999', '-1e999', '-5', '1e300', '"5"', '[5]', 'null', '{}', 'true']) {
      t.is((await of(`{"${name}":${wrong}}`))[name], 0, `${name}: ${wrong}`)
    }
    const right = name === 'utilization' ? 0.5 : 5
    t.is((await of(`{"${name}":${right}}`))[name], right)
  }
  t.is((await of('{"threads":2.5}')).threads, 0)
  t.is((await of('{"threads":1e9}')).threads, 0)
  t.is(await of('{}', 1e15), undefined, 'from the future')
})

test('speeds of workers that count back, or in no time, are not known', (t) => {
  const speed = new Speed()
  const see = (at, done) => {
    speed.learn({ workers: new Map([['worker', { at, done, threads: 1 }]]), waiting: [0, 5, 0] })
    return speed.value
  }
  for (const [at, done] of [
    [1000, 100],
    [1000, 200],
    [500, 50],
  ]) {
    t.is(see(at, done), undefined)
  }
  t.true(see(1500, 60) > 0)
})

withRedis(test, 'hostile jobs', () => {
  const redis = redisFor(test)

  test.serial('jobs that claim what is not there do not hold a worker', async (t) => {
    const { remote, client, worker } = await openAll(t, redis)
    const queue = new Queue(remote.name, { connection: { port: redis.port } })
    t.teardown(() => queue.close())
    const message = {
      version: 1,
      caller: 'nobody',
      input: { $: 'Uint8Array', part: 0 },
      options: {},
      priority: 'normal',
      weight: 1,
    }
    const sizes = [
      Array(2000).fill(GIB),
      [Number.MAX_SAFE_INTEGER],
      [-1],
      [1.5],
      ['8'],
      [null],
      'many',
      { length: 1e9 },
    ]
    const options = { attempts: 1, removeOnFail: true }
    for (const claim of sizes) await queue.add('hash', { ...message, sizes: claim }, options)
    // What is there is less than what is claimed.
    await client.hset(`bull:${remote.name}:heavy-load:input:short`, '0:0', 'bytes')
    await queue.add('hash', { ...message, sizes: [GIB] }, { ...options, jobId: 'short' })
    for (const data of [5, 'text', null, {}, { ...message, caller: {} }, { ...message, options: 5 }]) {
      await queue.add('hash', data, options)
    }
    await queue.add('toString', message, options)
    const before = process.memoryUsage().arrayBuffers
    await eventually(async () => (await queue.getJobCountByTypes('wait', 'active', 'delayed')) === 0, 'an empty queue')
    t.true(process.memoryUsage().arrayBuffers - before < GIB / 4)
    t.is(worker.pool.stats().completed, 0)
    t.is(await remote.run('heavyLoad', 10), 10)
  })
})
