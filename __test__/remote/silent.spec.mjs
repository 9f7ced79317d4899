// A Redis that takes connections and goes silent while it is asked what is asked at first: connectTimeout is for all of that.
import test from 'ava'
import { RemotePool, startWorker } from 'heavy-load/remote'
import { errorOf } from '../helpers/errors.mjs'
import { openPool } from '../helpers/pool.mjs'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import { openProxy } from '../helpers/remote-proxy.mjs'

/** Milliseconds: longer than ava waits. */
const FOR_EVER = 600_000
/** What each asks for, in this order. */
const BY_ALL = { 'its mode': /\r\nserver\r\n/i, 'its time': /\r\ntime\r\n/i, 'what is there': /\r\neval\r\n/i }
const BY_WORKERS = { ...BY_ALL, 'what is to stop': /\r\nsubscribe\r\n/i }

withRedis(test, 'a silent Redis', () => {
  const redis = redisFor(test)

  for (const [what, request] of Object.entries(BY_ALL)) {
    test.serial(`a task rejects within connectTimeout: ${what}`, async (t) => {
      const { port } = await openProxy(t, redis, request)
      const remote = new RemotePool({ connection: { port }, connectTimeout: 300 })
      const error = await errorOf(remote.run('heavyLoad', 1))
      t.is(error.code, 'ERR_REMOTE')
      t.regex(error.message, /did not answer within 300 ms$/)
      await remote.close()
    })

    test.serial(`a pool closes without waiting: ${what}`, async (t) => {
      const { port, silent } = await openProxy(t, redis, request)
      const remote = new RemotePool({ connection: { port }, connectTimeout: FOR_EVER })
      const task = errorOf(remote.run('heavyLoad', 1))
      await silent
      await remote.close({ force: true })
      t.is((await task).code, 'ERR_POOL_CLOSED')
    })
  }

  for (const [what, request] of Object.entries(BY_WORKERS)) {
    test.serial(`a worker does not start, within connectTimeout: ${what}`, async (t) => {
      const { port } = await openProxy(t, redis, request)
      const pool = openPool(t, { threads: 1 })
      const error = await errorOf(startWorker({ connection: { port }, pool, connectTimeout: 300 }))
      t.is(error.code, 'ERR_REMOTE')
      t.regex(error.message, /did not answer within 300 ms$/)
    })
  }
})
