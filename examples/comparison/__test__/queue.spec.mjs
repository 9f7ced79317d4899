// The strategy `queue` of examples/comparison: BullMQ with a real Redis, a worker process and its sandboxed jobs.
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import express from 'express'
import { withRedis } from '../../../__test__/helpers/redis.mjs'
import { freePort, startRedis } from '../../../tools/redis.mjs'
import { routes } from '../lib/queue-routes.mjs'
import { strategy } from '../strategies/queue.mjs'

const cores = availableParallelism()
/** Minutes of work: whoever sees the end of it has stopped it. */
const ENDLESS = 1e12
const UNAVAILABLE = { code: 'ERR_STRATEGY_UNAVAILABLE' }

withRedis(test, 'the queue of examples/comparison', queueTests)

test.serial('without Redis it says so, and how to start one', async (t) => {
  process.env.REDIS_URL = `redis://127.0.0.1:${await freePort()}`
  const error = await t.throwsAsync(strategy.open(), UNAVAILABLE)
  t.regex(error.message, /redis-server/)
  const answer = await fetch(`${await serve(t)}?amount=1`, { method: 'POST' })
  t.is(answer.status, 503)
  const body = await answer.json()
  t.is(body.error.code, UNAVAILABLE.code)
})

function queueTests() {
  let redis

  test.serial.before(async () => {
    redis = await startRedis()
  })

  test.serial.beforeEach(async (t) => {
    process.env.REDIS_URL = redis.url
    t.context.queue = t.title.includes('without Redis') ? undefined : await strategy.open()
  })

  test.serial.afterEach.always(async (t) => {
    await t.context.queue?.close()
  })

  test.after.always(() => redis?.stop())

  test.serial('it answers with the count, and reports progress', async (t) => {
    const progress = []
    const answer = await t.context.queue.run(3e8, { onProgress: (fraction) => progress.push(fraction) })
    t.is(answer, 3e8)
    t.is(progress.at(-1), 1)
    t.deepEqual(progress, [...new Set(progress)].sort())
    t.is(await t.context.queue.run(0), 0)
  })

  test.serial('many jobs are answered, each with its own count', async (t) => {
    const counts = Array.from({ length: 20 }, (_, i) => 1000 + i)
    t.deepEqual(await Promise.all(counts.map((count) => t.context.queue.run(count))), counts)
  })

  test.serial('a running job stops when its client leaves, and its worker takes the next', async (t) => {
    const left = new Error('The client has left')
    await Promise.all(
      Array.from({ length: cores }, async () => {
        const client = new AbortController()
        const onProgress = () => client.abort(left)
        const answer = t.context.queue.run(ENDLESS, { signal: client.signal, onProgress })
        t.is(await t.throwsAsync(answer), left)
      }),
    )
    t.is(await t.context.queue.run(1000), 1000)
  })

  test.serial('a waiting job is taken out of the queue when its client leaves', async (t) => {
    const { queue } = t.context
    const busy = await Promise.all(Array.from({ length: cores }, () => begin(queue)))
    const waiting = await queue.add(ENDLESS)
    t.is((await queue.look(waiting)).state, 'waiting')
    t.true(await queue.cancel(waiting))
    t.is(await queue.look(waiting), undefined)

    const client = new AbortController()
    const answer = queue.run(ENDLESS, { signal: client.signal })
    const left = new Error('The client has left')
    client.abort(left)
    t.is(await t.throwsAsync(answer), left)
    for (const { stop } of busy) await stop()
  })

  test.serial('a client that polls gets an id, then the state and the answer', async (t) => {
    const jobs = await serve(t)
    const posted = await fetch(`${jobs}?amount=200000000`, { method: 'POST' })
    t.is(posted.status, 202)
    const { id } = await posted.json()
    let job
    do job = await (await fetch(`${jobs}/${id}`)).json()
    while (job.state !== 'completed')
    t.deepEqual(job, { state: 'completed', progress: 1, answer: 2e8 })
  })

  test.serial('a client that polls can cancel', async (t) => {
    const jobs = await serve(t)
    const { id } = await (await fetch(`${jobs}?amount=${ENDLESS}`, { method: 'POST' })).json()
    t.is((await fetch(`${jobs}/${id}`, { method: 'DELETE' })).status, 204)
    let answer
    do answer = await fetch(`${jobs}/${id}`)
    while (answer.status === 200 && (await answer.json()).state !== 'failed')
    t.true([200, 404].includes(answer.status))
  })

  test.serial('unknown jobs and bad amounts are refused', async (t) => {
    const jobs = await serve(t)
    t.is((await fetch(`${jobs}/none`)).status, 404)
    t.is((await fetch(`${jobs}?amount=-1`, { method: 'POST' })).status, 400)
    t.is((await fetch(`${jobs}?amount=many`, { method: 'POST' })).status, 400)
  })

  test.serial('a worker that dies is replaced', async (t) => {
    const { queue } = t.context
    const worker = queue.worker()
    const exited = once(worker, 'exit')
    worker.kill('SIGKILL')
    await exited
    t.is(await queue.run(1000), 1000)
    t.not(queue.worker().pid, worker.pid)
  })

  test.serial('closing ends the worker, though it works', async (t) => {
    const { queue } = t.context
    await begin(queue)
    const { pid } = queue.worker()
    await queue.close()
    t.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
    t.context.queue = undefined
  })

  test.serial('when Redis goes away, those who wait are told; when it is back, so is the queue', async (t) => {
    await t.context.queue.close()
    const own = await startRedis()
    process.env.REDIS_URL = own.url
    const queue = await strategy.open()
    t.context.queue = queue
    let running
    const begun = new Promise((resolve) => {
      running = resolve
    })
    const answer = t.throwsAsync(queue.run(ENDLESS, { onProgress: running }), UNAVAILABLE)
    await begun
    await own.stop()
    await answer
    await t.throwsAsync(queue.run(1), UNAVAILABLE)
    await t.throwsAsync(queue.look('any'), UNAVAILABLE)

    const again = await startRedis({ port: own.port })
    t.teardown(again.stop)
    t.is(await untilAvailable(() => queue.run(1000)), 1000)
  })

  test.serial('closing does not wait for a Redis that is gone', async (t) => {
    await t.context.queue.close()
    const own = await startRedis()
    process.env.REDIS_URL = own.url
    const queue = await strategy.open()
    t.context.queue = undefined
    await own.stop()
    await t.throwsAsync(queue.run(1), UNAVAILABLE)
    await queue.close()
    t.throws(() => process.kill(queue.worker().pid, 0), { code: 'ESRCH' })
  })
}

/** Connections come back by and by, and no event tells of that. */
async function untilAvailable(run) {
  for (;;) {
    try {
      return await run()
    } catch (error) {
      if (error.code !== UNAVAILABLE.code) throw error
      await sleep(20)
    }
  }
}

/** Starts a job without end, and resolves when it runs. */
async function begin(queue) {
  const client = new AbortController()
  let running
  const begun = new Promise((resolve) => {
    running = resolve
  })
  const answer = queue.run(ENDLESS, { signal: client.signal, onProgress: running }).catch(() => {})
  await begun
  return {
    async stop() {
      client.abort()
      await answer
    },
  }
}

/** The URL of the jobs. */
async function serve(t) {
  const app = express()
  routes(app)
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${server.address().port}/strategies/queue/jobs`
}
