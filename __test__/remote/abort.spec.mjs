// `signal` stops a task wherever it is, and leaves nothing of it.
import { getEventListeners } from 'node:events'
import test from 'ava'
import { sort } from 'heavy-load'
import { errorOf } from '../helpers/errors.mjs'
import { idle } from '../helpers/pool.mjs'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import { begin, eventually, keysIn, nothingLeft, openAll, openClient, openRemote } from '../helpers/remote-open.mjs'

const MIB = 2 ** 20

withRedis(test, 'aborting remote tasks', () => {
  const redis = redisFor(test)

  test.serial('while it runs', async (t) => {
    const { remote, client, worker } = await openAll(t, redis)
    const control = new AbortController()
    const { promise } = await begin(remote, { signal: control.signal })
    t.is(worker.pool.stats().running, 1)
    const aborted = performance.now()
    control.abort('enough')
    const error = await errorOf(promise)
    const rejected = performance.now()
    t.is(error.code, 'ABORT_ERR')
    t.is(error.name, 'AbortError')
    t.is(error.cause, 'enough')
    await idle(worker.pool)
    const idleAt = performance.now()
    await nothingLeft(t, client, remote)
    const times = [rejected, idleAt, performance.now()].map((time) => (time - aborted).toFixed(1))
    t.log(`rejected, stopped, gone after ${times.join(', ')} ms`)
  })

  test.serial('in the queue', async (t) => {
    const remote = openRemote(t, redis)
    const client = openClient(t, redis)
    const control = new AbortController()
    const task = sort(new Uint8Array(100), { pool: remote, signal: control.signal })
    await eventually(async () => (await keysIn(client, remote)).length === 2, 'a job and its input')
    control.abort()
    await t.throwsAsync(task, { code: 'ABORT_ERR' })
    await nothingLeft(t, client, remote)
  })

  test.serial('on its way into the queue', async (t) => {
    const { remote, client, worker } = await openAll(t, redis)
    await remote.run('heavyLoad', 1)
    for (let turns = 0; turns < 40; turns++) {
      const control = new AbortController()
      const task = sort(new Uint8Array(9 * MIB), { pool: remote, transfer: true, signal: control.signal })
      // Somewhere between the call and the end.
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
      control.abort()
      const error = await errorOf(task)
      t.is(error.code, 'ABORT_ERR')
    }
    await nothingLeft(t, client, remote)
    await idle(worker.pool)
  })

  test.serial('with its first breath', async (t) => {
    const remote = openRemote(t, redis)
    const control = new AbortController()
    const tasks = Array.from({ length: 10 }, () => remote.run('spin', 1e12, { signal: control.signal }))
    control.abort()
    for (const task of tasks) await t.throwsAsync(task, { code: 'ABORT_ERR' })
    await remote.close()
    t.deepEqual(await keysIn(openClient(t, redis), remote), [])
  })

  test.serial('a thousand tasks on one signal leave no listener', async (t) => {
    const { remote, client } = await openAll(t, redis)
    const control = new AbortController()
    const { signal } = control
    const tasks = Array.from({ length: 500 }, (_, number) => remote.run('heavyLoad', number, { signal }))
    t.is(getEventListeners(signal, 'abort').length, 1)
    t.deepEqual(await Promise.all(tasks), [...Array(500).keys()])
    t.is(getEventListeners(signal, 'abort').length, 0)
    const endless = Array.from({ length: 500 }, () => errorOf(remote.run('spin', 1e12, { signal })))
    await eventually(async () => (await keysIn(client, remote)).length >= 500, 'jobs')
    control.abort()
    for (const { code } of await Promise.all(endless)) t.is(code, 'ABORT_ERR')
    t.is(getEventListeners(signal, 'abort').length, 0)
    await nothingLeft(t, client, remote)
  })
})
