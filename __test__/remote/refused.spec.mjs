// A Redis that takes no answers any more, for good: whoever runs the worker is told.
import test from 'ava'
import { errorOf } from '../helpers/errors.mjs'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import { eventually, openClient, openRemote, openWorker } from '../helpers/remote-open.mjs'

withRedis(test, 'a Redis that refuses', () => {
  const redis = redisFor(test)

  /** A worker with a user of its own, who is not to write keys of a kind (`replies` or `result`) from some moment on. */
  async function openRestricted(t, kind) {
    const remote = openRemote(t, redis, { attempts: 1 })
    const client = openClient(t, redis)
    await client.call('ACL', 'SETUSER', 'worker', 'reset', 'on', '>secret', '~*', '&*', '+@all')
    const told = []
    const worker = await openWorker(t, redis, remote, {
      connection: `redis://worker:secret@127.0.0.1:${redis.port}`,
      onError: (error) => told.push(error),
    })
    const restrict = async () => {
      const base = `bull:${remote.name}:`
      const others = ['input', 'replies', 'result'].filter((other) => other !== kind)
      const keys = [
        base,
        `${base}[^h]*`,
        `${base}heavy-load-workers`,
        ...others.map((other) => `${base}heavy-load:${other}*`),
      ]
      const read = kind === 'input' ? [`%R~${base}heavy-load:input*`] : []
      await client.call('ACL', 'SETUSER', 'worker', 'resetkeys', ...keys.map((key) => `~${key}`), ...read)
    }
    return { remote, client, worker, told, restrict }
  }

  test.serial('answers: the worker says so, and closes all the same', async (t) => {
    const { remote, worker, told, restrict } = await openRestricted(t, 'replies')
    t.is(await remote.run('heavyLoad', 10), 10)
    await restrict()
    const task = errorOf(remote.run('heavyLoad', 10, { timeout: 1000 }))
    await eventually(() => told.length > 0, 'an error that was told')
    t.is(told[0].code, 'ERR_REMOTE')
    t.regex(told[0].message, /^Redis at \S+ refuses results: NOPERM/)
    await worker.close()
    await task
  })

  test.serial("results' bytes: the caller is told", async (t) => {
    const { remote, told, restrict } = await openRestricted(t, 'result')
    t.deepEqual(await remote.run('sort', Uint8Array.of(2, 1)), Uint8Array.of(1, 2))
    await restrict()
    const error = await errorOf(remote.run('sort', Uint8Array.of(2, 1), { timeout: 10_000 }))
    t.is(error.code, 'ERR_REMOTE')
    t.regex(error.message, /refuses results: NOPERM/)
    t.regex(told[0].message, /refuses results: NOPERM/)
  })
})
