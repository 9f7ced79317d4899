// What a server sees of remote tasks: traces, times, and requests that are gone.
import { tracingChannel } from 'node:diagnostics_channel'
import { createRequire } from 'node:module'
import test from 'ava'
import { heavyLoad, spin } from 'heavy-load'
import { offload } from 'heavy-load/express'
import { errorOf } from '../helpers/errors.mjs'
import { serve, timingOf } from '../helpers/http-servers.mjs'
import { idle } from '../helpers/pool.mjs'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import { eventually, nothingLeft, openAll, signalled } from '../helpers/remote-open.mjs'

const { observers } = createRequire(import.meta.url)('../../lib/observe.js')
const channel = tracingChannel('heavy-load.task')
const NAMES = ['start', 'end', 'asyncStart', 'asyncEnd', 'error']

withRedis(test, 'observing remote tasks', () => {
  const redis = redisFor(test)

  test.serial('the tracing channel tells of the tasks, by queue', async (t) => {
    const { remote } = await openAll(t, redis)
    const events = []
    const subscribers = Object.fromEntries(
      NAMES.map((name) => [
        name,
        // The worker, in the same process here, has a pool of its own, and tells of that.
        (context) => context.pool === remote.name && events.push({ name, ...context }),
      ]),
    )
    channel.subscribe(subscribers)
    t.teardown(() => channel.unsubscribe(subscribers))
    for (const call of [() => remote.run('heavyLoad', 10), () => heavyLoad(10, { pool: remote })]) {
      events.length = 0
      t.is(await call(), 10)
      t.deepEqual(
        events.map(({ name }) => name),
        ['start', 'end', 'asyncStart', 'asyncEnd'],
      )
      for (const { kernel } of events) t.is(kernel, 'heavyLoad')
      t.is(new Set(events.map(({ id }) => id)).size, 1)
      t.is(events.at(-1).result, 10)
    }
    for (const [code, call] of [
      ['ERR_OUT_OF_RANGE', () => remote.run('heavyLoad', -1)],
      ['ABORT_ERR', () => remote.run('heavyLoad', 1, { signal: AbortSignal.abort() })],
    ]) {
      events.length = 0
      await t.throwsAsync(call(), { code })
      t.deepEqual(
        events.map(({ name }) => name),
        ['start', 'end', 'error', 'asyncStart', 'asyncEnd'],
      )
      t.is(events.at(-1).error.code, code)
    }
  })

  test.serial('observers hear of each task, and one that throws harms none', async (t) => {
    const { remote } = await openAll(t, redis)
    const heard = []
    const observer = {
      ended: (pool, kernel, outcome) => {
        if (pool !== remote) return
        heard.push([kernel, outcome])
        throw new Error('a broken sink')
      },
      measured: (pool, kernel, wait, run) => pool === remote && heard.push([kernel, wait >= 0, run >= 0]),
    }
    const broken = []
    const listener = (error) => broken.push(error.message)
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', listener)
    observers.add(observer)
    t.teardown(() => {
      observers.delete(observer)
      process.off('uncaughtException', listener)
      for (const other of others) process.on('uncaughtException', other)
    })
    t.is(await remote.run('heavyLoad', 10), 10)
    await t.throwsAsync(remote.run('spin', 1e12, { timeout: 300 }), { code: 'ERR_TASK_TIMEOUT' })
    await t.throwsAsync(remote.run('no kernel', 1), { code: 'ERR_UNKNOWN_KERNEL' })
    t.deepEqual(heard, [
      ['heavyLoad', 'completed'],
      ['heavyLoad', true, true],
      ['spin', 'timed_out'],
      ['no kernel', 'failed'],
    ])
    await eventually(() => broken.length === 3, 'three errors of their own')
  })

  test.serial('Server-Timing has what remote tasks waited and ran', async (t) => {
    const { remote } = await openAll(t, redis, { worker: { concurrency: 1 } })
    const route = offload(async (_request, task) => {
      await spin(60, { ...task, pool: remote })
      return 'done'
    })
    const { url } = await serve(t, 'Express 5', route)
    const before = performance.now()
    const responses = await Promise.all([fetch(url), fetch(url)])
    const took = performance.now() - before
    const times = responses.map(timingOf).sort((one, other) => one.queue - other.queue)
    for (const { queue, run } of times) {
      t.true(run >= 59, `${run}`)
      t.true(queue >= 0 && queue + run <= took + 1, `${queue} and ${run} of ${took}`)
    }
    // One job at a time: the second waits for the first.
    t.true(times[1].queue >= 59, `${times[1].queue}`)
  })

  test.serial('a client that goes away stops the work on the worker', async (t) => {
    const { remote, client, worker } = await openAll(t, redis)
    const { tell, told } = signalled()
    const route = offload((_request, task) => spin(1e12, { ...task, pool: remote, onProgress: tell }))
    const { url } = await serve(t, 'Express 5', route)
    const control = new AbortController()
    const answer = fetch(url, { signal: control.signal })
    await told
    control.abort()
    t.is((await errorOf(answer)).name, 'AbortError')
    await idle(worker.pool)
    await nothingLeft(t, client, remote)
  })

  test.serial('what is late is answered 504', async (t) => {
    const { remote } = await openAll(t, redis)
    const route = offload((_request, task) => spin(1e12, { ...task, pool: remote }), { timeout: 200 })
    const { url } = await serve(t, 'Express 5', route)
    const response = await fetch(url)
    t.is(response.status, 504)
    const { queue, run } = timingOf(response)
    t.true(queue + run >= 199, `${queue} and ${run}`)
  })

  test.serial('Server-Timing has what tasks took that failed, and those that are under way', async (t) => {
    const { remote } = await openAll(t, redis)
    const fails = offload((_request, task) => remote.run('no kernel', 1, task))
    const { tell, told } = signalled()
    const leaves = offload(async (_request, task) => {
      spin(1e12, { ...task, pool: remote, onProgress: tell }).catch(() => {})
      await told
      return 'done'
    })
    for (const [route, status] of [
      [fails, 500],
      [leaves, 200],
    ]) {
      const { url } = await serve(t, 'Express 5', route)
      const response = await fetch(url)
      t.is(response.status, status)
      const { queue, run } = timingOf(response)
      t.true(queue + run > 0)
    }
  })
})
