// `onProgress` of remote tasks.
import { AsyncLocalStorage } from 'node:async_hooks'
import test from 'ava'
import { spin } from 'heavy-load'
import { errorOf } from '../helpers/errors.mjs'
import { idle } from '../helpers/pool.mjs'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import { begin, eventually, nothingLeft, openAll } from '../helpers/remote-open.mjs'

withRedis(test, 'progress of remote tasks', () => {
  const redis = redisFor(test)

  test.serial('grows from 0 to 1, in the context of the caller', async (t) => {
    const { remote: pool } = await openAll(t, redis)
    const storage = new AsyncLocalStorage()
    const told = []
    const contexts = new Set()
    const onProgress = (fraction) => {
      told.push(fraction)
      contexts.add(storage.getStore())
    }
    const task = storage.run('mine', () => spin(600, { pool, onProgress }))
    await storage.run('another', () => task)
    t.true(told.length > 2, String(told))
    t.is(told.at(-1), 1)
    t.true(told.every((fraction) => fraction >= 0 && fraction <= 1))
    t.deepEqual(
      told,
      [...new Set(told)].sort((one, other) => one - other),
    )
    t.deepEqual([...contexts], ['mine'])
  })

  test.serial('a callback that throws rejects its task only, and stops the work', async (t) => {
    const { remote, client, worker } = await openAll(t, redis)
    const other = await begin(remote)
    const broken = new Error('on purpose')
    const onProgress = () => {
      throw broken
    }
    t.is(await errorOf(remote.run('spin', 1e12, { onProgress })), broken)
    t.is(await remote.run('heavyLoad', 1000), 1000)
    t.is(await errorOf(remote.run('heavyLoad', 1000, { onProgress })), broken, 'at the end, too')
    await remote.close({ force: true })
    await t.throwsAsync(other.promise, { code: 'ERR_POOL_CLOSED' })
    await idle(worker.pool)
    await nothingLeft(t, client, remote)
  })

  test.serial('an async callback that rejects is as one that throws', async (t) => {
    const { remote, client, worker } = await openAll(t, redis)
    const broken = new Error('on purpose')
    const onProgress = async () => {
      throw broken
    }
    t.is(await errorOf(remote.run('spin', 1e12, { onProgress })), broken)
    await idle(worker.pool)
    await nothingLeft(t, client, remote)
  })

  test.serial('what is no fraction does not reach the callback, and does the task no harm', async (t) => {
    const { remote, client } = await openAll(t, redis)
    const told = []
    const task = remote.run('spin', 600, { onProgress: (fraction) => told.push(fraction) })
    const pattern = `bull:${remote.name}:heavy-load:replies:*`
    await eventually(async () => (await client.keys(pattern)).length > 0, 'a reply')
    const [replies] = await client.keys(pattern)
    const id = `${replies.split(':').at(-1)}-0`
    const forged = ['"abc"', '"0.5"', 'null', 'true', '[0.5]', '{}', '-1', '2', '1e999']
    for (const progress of forged) await client.xadd(replies, '*', id, `{"progress":${progress}}`)
    t.is(typeof (await task), 'number')
    t.true(told.length > 0)
    t.deepEqual(
      told.filter((fraction) => typeof fraction !== 'number' || !(fraction >= 0 && fraction <= 1)),
      [],
    )
    t.is(told.at(-1), 1)
  })

  test.serial('a callback may abort its task at the end', async (t) => {
    const { remote, client } = await openAll(t, redis)
    const control = new AbortController()
    const task = remote.run('heavyLoad', 1000, { signal: control.signal, onProgress: () => control.abort() })
    await t.throwsAsync(task, { code: 'ABORT_ERR' })
    await nothingLeft(t, client, remote)
  })
})
