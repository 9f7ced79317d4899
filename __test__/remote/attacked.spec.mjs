// What was found by whoever tried to break RemotePool and its workers, one test a fault.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import test from 'ava'
import { startRedis } from '../../tools/redis.mjs'
import { errorOf } from '../helpers/errors.mjs'
import { openPool } from '../helpers/pool.mjs'
import { withRedis } from '../helpers/redis.mjs'
import { begin, openRemote, openWorker, signalled } from '../helpers/remote-open.mjs'
import { forkWorker } from '../helpers/remote-worker.mjs'
import { turn, until } from '../helpers/turns.mjs'

withRedis(test, 'remote pools under attack', () => {
  for (const closing of [{ force: true }, { timeout: 200 }]) {
    test(`a worker whose Redis is silent lets go of it: ${JSON.stringify(closing)}`, async (t) => {
      const redis = await startRedis()
      t.teardown(redis.stop)
      const worker = await forkWorker(t, redis, openRemote(t, redis))
      redis.pause()
      await worker.ask('leave', closing)
      t.deepEqual(await worker.exited, [0, null], 'by itself')
      redis.goOn()
    })
  }

  test('a worker whose Redis is away finishes what it has', async (t) => {
    const redis = await startRedis()
    t.teardown(redis.stop)
    const remote = openRemote(t, redis)
    const pool = openPool(t, { threads: 1 })
    const worker = await openWorker(t, redis, remote, { pool })
    remote.run('spin', 300).catch(() => {})
    await until(() => pool.stats().running === 1, 'a running task')
    await redis.end('SIGKILL')
    await worker.close()
    t.like(pool.stats(), { running: 0, completed: 1 })
  })

  test('a worker whose Redis is away gives up what it has when its time is over', async (t) => {
    const redis = await startRedis()
    t.teardown(redis.stop)
    const remote = openRemote(t, redis)
    const pool = openPool(t, { threads: 1 })
    const worker = await openWorker(t, redis, remote, { pool })
    await begin(remote)
    await redis.end('SIGKILL')
    await worker.close({ timeout: 100 })
    await pool.close()
    t.like(pool.stats(), { running: 0, cancelled: 1 })
  })

  test('a worker that closes while it subscribes anew rejects nowhere', async (t) => {
    const redis = await startRedis()
    t.teardown(redis.stop)
    const remote = openRemote(t, redis)
    // Between the worker and Redis: no subscription gets through once it holds them.
    const sockets = new Set()
    const held = signalled()
    let holds = false
    const proxy = createServer((client) => {
      const upstream = connect(redis.port, '127.0.0.1')
      sockets.add(client)
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ]) {
        from.on('error', () => {}).on('close', () => to.destroy())
        from.on('data', (bytes) => {
          if (holds && from === client && /\r\nsubscribe\r\n/i.test(bytes)) held.tell()
          else to.write(bytes)
        })
      }
    }).listen(0, '127.0.0.1')
    t.teardown(() => proxy.close())
    await once(proxy, 'listening')
    const connection = { port: proxy.address().port }
    const worker = await openWorker(t, redis, remote, { connection })
    holds = true
    for (const socket of sockets) socket.destroy()
    await held.told
    // ava fails for a rejection that nobody handles.
    await worker.close({ force: true })
    await turn()
    t.false(worker.ready)
  })

  test('a Redis that is away is reported once a second, not once a try', async (t) => {
    const redis = await startRedis()
    t.teardown(redis.stop)
    const remote = openRemote(t, redis)
    let tries = 0
    const retryStrategy = () => {
      tries++
      return 5
    }
    const reported = []
    const connection = { port: redis.port, retryStrategy }
    await openWorker(t, redis, remote, { connection, onError: (error) => reported.push(error.message) })
    await redis.end('SIGKILL')
    const began = performance.now()
    await until(() => tries > 100, 'a hundred tries')
    const most = 1 + Math.ceil((performance.now() - began) / 1000)
    const refused = reported.filter((message) => message.includes('ECONNREFUSED'))
    t.true(refused.length >= 1 && refused.length <= most, `${refused.length} of ${tries} tries`)
  })

  test('a getter of the options that closes the pool has its call refused', async (t) => {
    const redis = await startRedis()
    t.teardown(redis.stop)
    const remote = openRemote(t, redis)
    const options = {
      get key() {
        remote.close()
        return 'key'
      },
    }
    t.is((await errorOf(remote.run('hash', Buffer.from('a'), options))).code, 'ERR_POOL_CLOSED')
    await remote.close()
  })

  test('a timeout is told as the caller gave it', async (t) => {
    const redis = await startRedis()
    t.teardown(redis.stop)
    const remote = openRemote(t, redis)
    await openWorker(t, redis, remote)
    const error = await errorOf(remote.run('spin', 1e6, { timeout: 400 }))
    t.is(error.code, 'ERR_TASK_TIMEOUT')
    t.regex(error.message, /its timeout of 400 ms/)
  })

  test('a kernel that does not let itself be looked at rejects', async (t) => {
    const redis = await startRedis()
    t.teardown(redis.stop)
    const remote = openRemote(t, redis)
    const kernel = Object.defineProperty(() => {}, 'kernel', {
      get() {
        throw new Error('looked at')
      },
    })
    t.is((await errorOf(remote.run(kernel, 1))).code, 'ERR_INVALID_ARG_TYPE')
  })
})
