// Closing remote pools and workers.
import test from 'ava'
import { errorOf } from '../helpers/errors.mjs'
import { idle } from '../helpers/pool.mjs'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import {
  begin,
  eventually,
  keysIn,
  nothingLeft,
  openAll,
  openClient,
  openRemote,
  openWorker,
  signalled,
} from '../helpers/remote-open.mjs'

const WRONG = [
  [null, 'ERR_INVALID_ARG_TYPE'],
  ['force', 'ERR_INVALID_ARG_TYPE'],
  [{ force: 1 }, 'ERR_INVALID_ARG_TYPE'],
  [{ timeout: '1' }, 'ERR_INVALID_ARG_TYPE'],
  [{ timeout: 0 }, 'ERR_OUT_OF_RANGE'],
]

withRedis(test, 'closing remote pools and workers', () => {
  const redis = redisFor(test)

  test.serial('a pool waits for what is on its way, takes no more, and leaves nothing', async (t) => {
    const { remote, client } = await openAll(t, redis)
    const done = []
    const tasks = [20, 40, 60].map((ms) => remote.run('spin', ms).then(() => done.push(ms)))
    const closed = remote.close()
    t.is((await errorOf(remote.run('heavyLoad', 1))).code, 'ERR_POOL_CLOSED')
    await closed
    t.is(done.length, 3)
    await Promise.all(tasks)
    t.deepEqual(await keysIn(client, remote), [])
  })

  test.serial('a pool that is forced cancels what is on its way', async (t) => {
    const { remote, client, worker } = await openAll(t, redis, { worker: { concurrency: 1 } })
    const running = await begin(remote)
    const queued = remote.run('sort', Uint8Array.of(1))
    const errors = Promise.all([running.promise, queued].map(errorOf))
    await remote.close({ force: true })
    t.deepEqual(await keysIn(client, remote), [])
    for (const error of await errors) {
      t.is(error.code, 'ERR_POOL_CLOSED')
      t.is(error.name, 'HeavyLoadError')
    }
    await idle(worker.pool)
  })

  test.serial('a pool with a timeout cancels what is left then', async (t) => {
    const { remote, client } = await openAll(t, redis)
    const short = remote.run('heavyLoad', 1000)
    const long = errorOf(remote.run('spin', 1e12))
    await remote.close({ timeout: 300 })
    t.is(await short, 1000)
    t.is((await long).code, 'ERR_POOL_CLOSED')
    t.deepEqual(await keysIn(client, remote), [])
  })

  test.serial('closing twice is closing once; wrong options are refused', async (t) => {
    const { remote, worker } = await openAll(t, redis)
    for (const closable of [remote, worker]) {
      for (const [options, code] of WRONG) t.is((await errorOf(closable.close(options))).code, code)
    }
    t.is(await remote.run('heavyLoad', 1000), 1000, 'both are open still')
    for (const closable of [remote, worker]) {
      const first = closable.close()
      t.is(closable.close({ force: true }), first)
      await closable[Symbol.asyncDispose]()
      await first
      await closable.close()
    }
  })

  test.serial('a pool that never did anything closes without a Redis', async (t) => {
    const remote = openRemote(t, { url: 'redis://127.0.0.1:1' })
    await remote.close()
    await t.notThrowsAsync(remote[Symbol.asyncDispose]())
  })

  test.serial('a pool that is just reconnecting leaves nothing either', async (t) => {
    let tries = 0
    const retryStrategy = () => {
      tries++
      return 100
    }
    const { remote, client } = await openAll(t, redis, { remote: { connection: { port: redis.port, retryStrategy } } })
    t.is(await remote.run('heavyLoad', 1000), 1000)
    t.not((await keysIn(client, remote)).length, 0)
    await client.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await eventually(() => tries >= 2, 'connections that are lost')
    await remote.close()
    t.deepEqual(await keysIn(client, remote), [])
  })

  test.serial('a worker finishes what it has, and leaves the rest to others', async (t) => {
    const remote = openRemote(t, redis)
    const client = openClient(t, redis)
    const first = await openWorker(t, redis, remote, { concurrency: 2 })
    const { tell, told } = signalled()
    const tasks = Array.from({ length: 6 }, () => remote.run('spin', 150, { onProgress: tell }))
    await told
    await first.close()
    const { completed, running } = first.pool.stats()
    t.is(running, 0)
    t.true(completed >= 1 && completed < 6)
    t.is(await client.llen(`bull:${remote.name}:active`), 0)
    await openWorker(t, redis, remote)
    for (const task of tasks) t.true((await task) >= 150)
    await nothingLeft(t, client, remote)
  })

  for (const [name, options] of [
    ['that is forced', { force: true }],
    ['with a timeout', { timeout: 50 }],
  ]) {
    test.serial(
      `a worker ${name} gives back what it has: others do it, and it does not count as an attempt`,
      async (t) => {
        // Once only: begun a second time it would be lost.
        const remote = openRemote(t, redis, { attempts: 1 })
        const client = openClient(t, redis)
        const first = await openWorker(t, redis, remote)
        const { tell, told } = signalled()
        const tasks = ['high', 'normal', 'low'].map((priority) =>
          remote.run('spin', 400, { priority, onProgress: priority === 'high' ? tell : () => {} }),
        )
        const bytes = remote.run('sort', Uint8Array.of(2, 1), { priority: 'low' })
        await told
        await first.close(options)
        // A thread ends its morsel first.
        await eventually(() => first.pool.stats().running === 0, 'an idle pool')
        t.is(await client.llen(`bull:${remote.name}:active`), 0)
        const began = performance.now()
        await openWorker(t, redis, remote)
        for (const task of tasks) t.true((await task) >= 400)
        t.deepEqual(await bytes, Uint8Array.of(1, 2))
        t.log(`done ${(performance.now() - began).toFixed(0)} ms after another worker came`)
        await nothingLeft(t, client, remote)
      },
    )
  }

  test.serial('what is given back a worker that has nothing to do takes soon', async (t) => {
    const remote = openRemote(t, redis, { attempts: 1 })
    const first = await openWorker(t, redis, remote)
    const { tell, told } = signalled()
    const task = remote.run('spin', 300, { onProgress: tell })
    await told
    const idler = await openWorker(t, redis, remote)
    const began = performance.now()
    await first.close({ force: true })
    await eventually(() => idler.pool.stats().running === 1, 'the other has it')
    t.log(`taken after ${(performance.now() - began).toFixed(0)} ms`)
    t.true((await task) >= 300)
  })

  test.serial('a worker that is forced while jobs stream in keeps none of them', async (t) => {
    const remote = openRemote(t, redis, { attempts: 1 })
    const client = openClient(t, redis)
    const last = []
    for (let round = 0; round < 5; round++) {
      const worker = await openWorker(t, redis, remote, { concurrency: 1000 })
      const tasks = Array.from({ length: 30 }, (_, number) => remote.run('spin', number % 3 === 0 ? 1e12 : 1))
      for (const task of tasks) task.catch(() => {})
      await tasks[1]
      await worker.close({ force: true })
      t.is(await client.llen(`bull:${remote.name}:active`), 0)
      last.push(...tasks)
    }
    await remote.close({ force: true })
    for (const task of last) await task.catch(({ code }) => t.is(code, 'ERR_POOL_CLOSED'))
    t.deepEqual(await keysIn(client, remote), [])
  })
})
