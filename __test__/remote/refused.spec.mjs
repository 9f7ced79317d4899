// A Redis that takes no answers any more, for good: whoever runs the worker is told.
import test from 'ava'
import { errorOf } from '../helpers/errors.mjs'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import { eventually, keysIn, nothingLeft, openClient, openRemote, openWorker } from '../helpers/remote-open.mjs'

withRedis(test, 'a Redis that refuses', () => {
  const redis = redisFor(test)

  /** A worker with a user of its own, who is not to write keys of a kind (`replies`, `result` or `input`) from some moment on. */
  async function openRestricted(t, kind, attempts = 1) {
    const remote = openRemote(t, redis, { attempts })
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

  test.serial('to remove an input: the job is done all the same, and once', async (t) => {
    const { remote, client, worker, told, restrict } = await openRestricted(t, 'input', 3)
    await restrict()
    t.deepEqual(await remote.run('sort', Uint8Array.of(2, 1)), Uint8Array.of(1, 2))
    const isJob = (key) => !key.includes(':heavy-load:')
    await eventually(async () => !(await keysIn(client, remote)).some(isJob), 'no job any more')
    t.is(worker.pool.stats().completed, 1)
    await eventually(() => told.length > 0, 'an error that was told')
    t.regex(told[0].message, /NOPERM/)
  })

  /** A pool with a user of its own, who may do all but that. */
  async function openCaller(t, without) {
    const client = openClient(t, redis)
    await client.call('ACL', 'SETUSER', 'caller', 'reset', 'on', '>secret', '~*', '&*', '+@all', `-${without}`)
    const remote = openRemote(t, redis, { connection: `redis://caller:secret@127.0.0.1:${redis.port}` })
    return { remote, client }
  }

  test.serial('to give replies: the tasks that wait for them are told', async (t) => {
    const { remote } = await openCaller(t, 'xread')
    const error = await errorOf(remote.run('heavyLoad', 10))
    t.is(error.code, 'ERR_REMOTE')
    t.regex(error.message, /refuses to give replies: NOPERM/)
  })

  test.serial('jobs: their bytes are removed', async (t) => {
    const { remote, client } = await openCaller(t, 'hmset')
    const error = await errorOf(remote.run('sort', Uint8Array.of(2, 1)))
    t.is(error.code, 'ERR_REMOTE')
    t.regex(error.message, /^Redis failed: /)
    await nothingLeft(t, client, remote)
  })
})
