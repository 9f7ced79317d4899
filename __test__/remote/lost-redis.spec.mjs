// A Redis that goes away: with what it keeps, without, and before it was ever there.
import test from 'ava'
import { freeze, sort } from 'heavy-load'
import { RemotePool, startWorker } from 'heavy-load/remote'
import { freePort, startRedis } from '../../tools/redis.mjs'
import { runFixture } from '../helpers/child.mjs'
import { errorOf } from '../helpers/errors.mjs'
import { openPool } from '../helpers/pool.mjs'
import { withRedis } from '../helpers/redis.mjs'
import { begin, eventually, keysIn, nothingLeft, openAll, openRemote, signalled } from '../helpers/remote-open.mjs'
import { forkWorker } from '../helpers/remote-worker.mjs'
import { turn } from '../helpers/turns.mjs'

withRedis(test, 'a lost Redis', () => {
  for (const signal of ['SIGTERM', 'SIGKILL']) {
    test.serial(`what it keeps is done after it was restarted: ${signal}`, async (t) => {
      const redis = await startRedis({ appendonly: true })
      t.teardown(redis.stop)
      // What a worker was being given when Redis went is found abandoned.
      const { remote, client } = await openAll(t, redis, { worker: { lockDuration: 1000 } })
      await forkWorker(t, redis, remote, { lockDuration: 1000 })
      const values = Array.from({ length: 60 }, (_, number) => number)
      const settled = new Map()
      const tasks = values.map(async (number) => {
        const [spun] = await Promise.all([remote.run('spin', 30), remote.run('sort', Uint16Array.of(number, 0))]).then(
          ([, sorted]) => sorted,
        )
        settled.set(number, (settled.get(number) ?? 0) + 1)
        return spun
      })
      await eventually(() => settled.size > 5, 'some of them')
      await redis.end(signal)
      await redis.restart()
      t.deepEqual(await Promise.all(tasks), Array(60).fill(0))
      t.deepEqual([...settled.values()], Array(60).fill(1))
      await nothingLeft(t, client, remote)
    })
  }

  test.serial('a task it does not keep is told', async (t) => {
    const redis = await startRedis()
    t.teardown(redis.stop)
    const { remote, client, worker } = await openAll(t, redis, { worker: { concurrency: 1 } })
    const running = await begin(remote)
    const queued = [remote.run('heavyLoad', 1), sort(Uint8Array.of(1), { pool: remote })].map(errorOf)
    await eventually(async () => (await keysIn(client, remote)).length > 3, 'three jobs')
    // What Redis has said of them waits in the caller's socket: a turn or two, and it has been read.
    for (let turns = 0; turns < 5; turns++) await turn()
    await redis.end('SIGKILL')
    await redis.restart()
    for (const error of await Promise.all([errorOf(running.promise), ...queued])) {
      t.is(error.code, 'ERR_REMOTE')
      t.regex(error.message, /no longer/)
    }
    await eventually(() => worker.pool.stats().running === 0, 'the end of what ran for nobody')
  })

  test.serial('a worker finds out by itself that a job is no more', async (t) => {
    const redis = await startRedis()
    t.teardown(redis.stop)
    const { remote, client, worker } = await openAll(t, redis, { worker: { lockDuration: 200 } })
    const { promise } = await begin(remote)
    t.is(worker.pool.stats().running, 1)
    // Its caller is not told either, as if that one were no more, too.
    await client.flushall()
    await eventually(() => worker.pool.stats().running === 0, 'the end of what ran for nobody')
    await remote.close({ force: true })
    await t.throwsAsync(promise, { code: 'ERR_POOL_CLOSED' })
  })

  test.serial('jobs whose locks are lost are told in plain words, and not one by one', async (t) => {
    const redis = await startRedis()
    t.teardown(redis.stop)
    const told = []
    const onError = (error) => told.push(error)
    const { remote, client } = await openAll(t, redis, { worker: { lockDuration: 200, onError } })
    const tasks = Array.from({ length: 3 }, () => errorOf(remote.run('spin', 1e12)))
    await eventually(() => remote.stats().running === 3, 'tasks that run')
    await client.flushall()
    await eventually(() => told.length > 0, 'an error that is told')
    await remote.close({ force: true })
    await Promise.all(tasks)
    t.deepEqual(
      told.map(({ code }) => code),
      ['ERR_REMOTE'],
    )
    t.regex(told[0].message, /other workers may do these jobs, too/)
  })

  test.serial('what comes while it is away is done when it is back', async (t) => {
    const redis = await startRedis({ appendonly: true })
    t.teardown(redis.stop)
    const { remote, client } = await openAll(t, redis)
    t.is(await remote.run('heavyLoad', 1000), 1000)
    await redis.end('SIGTERM')
    const late = [remote.run('heavyLoad', 2000), sort(Uint8Array.of(2, 1), { pool: remote })]
    const timed = remote.run('heavyLoad', 1, { timeout: 50 })
    await t.throwsAsync(timed, { code: 'ERR_REMOTE' })
    await redis.restart()
    t.deepEqual(await Promise.all(late), [2000, Uint8Array.of(1, 2)])
    await nothingLeft(t, client, remote)
  })

  test.serial('one that is not there is told within connectTimeout, and found later', async (t) => {
    const port = await freePort()
    const remote = openRemote(t, { url: `redis://127.0.0.1:${port}` }, { connectTimeout: 200 })
    const task = remote.run('heavyLoad', 1000)
    const [error, other] = await Promise.all([errorOf(task), errorOf(remote.run('hash', new Uint8Array(1)))])
    t.is(error.code, 'ERR_REMOTE')
    t.is(error.message, `Redis at 127.0.0.1:${port} did not answer within 200 ms`)
    t.is(error.cause.code, 'ECONNREFUSED')
    t.is(other.code, 'ERR_REMOTE')
    const pool = openPool(t, { threads: 1 })
    const worker = startWorker({ connection: `redis://127.0.0.1:${port}`, pool, connectTimeout: 200 })
    t.is((await errorOf(worker)).cause.code, 'ECONNREFUSED')

    const redis = await startRedis({ port })
    t.teardown(redis.stop)
    const { remote: own } = await openAll(t, redis)
    t.is(await own.run('heavyLoad', 1), 1)
    await forkWorker(t, redis, remote)
    t.is(await remote.run('heavyLoad', 1000), 1000)
  })

  test.serial('one that starts meanwhile is waited for', async (t) => {
    const port = await freePort()
    const remote = openRemote(t, { url: `redis://127.0.0.1:${port}` })
    const task = remote.run('heavyLoad', 1000)
    const pool = openPool(t, { threads: 1 })
    const connection = `redis://127.0.0.1:${port}`
    const starting = startWorker({ connection, pool, queue: remote.name })
    const redis = await startRedis({ port })
    t.teardown(redis.stop)
    const worker = await starting
    t.teardown(() => worker.close({ force: true }))
    t.is(await task, 1000)
  })

  test.serial('closing does not wait for one that was never there', async (t) => {
    const never = new RemotePool({ connection: `redis://127.0.0.1:${await freePort()}`, queue: 'never' })
    const lost = errorOf(never.run('heavyLoad', 1))
    await never.close({ force: true })
    t.is((await lost).code, 'ERR_POOL_CLOSED')
  })

  for (const what of [
    'a pool and a worker that have done something',
    'a Redis that is gone, and work that runs',
    'a Redis that is gone, and a worker that has nothing to do',
    'a Redis that was never there',
  ]) {
    test.serial(`once they are closed nothing keeps the process: ${what}`, async (t) => {
      t.like(await runFixture('remote-ends', { args: [what] }), { code: 0, stdout: '[]\n' })
    })
  }

  test.serial('frozen bytes that wait for it are given back when the pool is closed', async (t) => {
    const redis = await startRedis()
    t.teardown(redis.stop)
    let tries = 0
    // There is no second try within this test.
    const retryStrategy = () => {
      tries++
      return 600_000
    }
    const { remote } = await openAll(t, redis, { remote: { connection: { port: redis.port, retryStrategy } } })
    t.is(await remote.run('heavyLoad', 1000), 1000)
    await redis.end('SIGKILL')
    await eventually(() => tries === 2, 'both connections are lost')
    const frozen = freeze(new Uint8Array(8))
    const task = errorOf(remote.run('hash', frozen))
    await turn()
    await remote.close({ force: true })
    t.is((await task).code, 'ERR_POOL_CLOSED')
    await turn()
    t.is(frozen.thaw().length, 8)
  })

  test.serial('a worker that is closed while it is away waits for it with its answers', async (t) => {
    const redis = await startRedis({ appendonly: true })
    t.teardown(redis.stop)
    // Nobody else does the job.
    const { remote, worker } = await openAll(t, redis, { worker: { lockDuration: 600_000 } })
    const computed = signalled()
    const { run } = worker.pool
    const begun = signalled()
    worker.pool.run = async (...call) => {
      begun.tell()
      await computed.told
      return run.apply(worker.pool, call)
    }
    const task = remote.run('heavyLoad', 1000)
    await begun.told
    await redis.end('SIGKILL')
    await eventually(() => !worker.ready, 'a worker without Redis')
    const closed = worker.close()
    computed.tell()
    await redis.restart()
    t.is(await task, 1000)
    await closed
  })

  test.serial('a worker that is told to end just before lets go of everything', async (t) => {
    const redis = await startRedis()
    t.teardown(redis.stop)
    const remote = openRemote(t, redis)
    const worker = await forkWorker(t, redis, remote)
    // Some are answered, some run, and some wait.
    const { tell, told } = signalled()
    for (let at = 0; at < 100; at++) remote.run('spin', 20).then(tell, () => {})
    await told
    await worker.ask('leave', { timeout: 1000 })
    await redis.end('SIGKILL')
    t.deepEqual(await worker.exited, [0, null], 'by itself')
  })
})
