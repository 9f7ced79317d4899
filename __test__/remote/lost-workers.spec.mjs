// Workers that die, and kernels that fail: a task is done by another, or its caller is told.
import test from 'ava'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import {
  eventually,
  keysIn,
  nothingLeft,
  openClient,
  openRemote,
  openWorker,
  signalled,
} from '../helpers/remote-open.mjs'
import { forkWorker } from '../helpers/remote-worker.mjs'

const FAST = { lockDuration: 300, stalledInterval: 100 }

withRedis(test, 'lost workers', () => {
  const redis = redisFor(test)

  test.serial('what a worker had that is killed, another does', async (t) => {
    const remote = openRemote(t, redis)
    const client = openClient(t, redis)
    const { tell, told } = signalled()
    const first = await forkWorker(t, redis, remote, FAST)
    const bytes = Uint8Array.of(3, 1, 2)
    const tasks = [remote.run('spin', 500, { onProgress: tell }), remote.run('spin', 500)]
    await told
    const sorted = remote.run('sort', bytes)
    const second = await forkWorker(t, redis, remote, FAST)
    const killed = performance.now()
    t.deepEqual(await first.kill(), [null, 'SIGKILL'])
    for (const task of tasks) t.true((await task) >= 500)
    t.log(`done ${(performance.now() - killed).toFixed(0)} ms after the death (locks: 300 ms, work: 500 ms)`)
    t.deepEqual(await sorted, Uint8Array.of(1, 2, 3))
    t.is((await second.ask('stats')).running, 0)
    await nothingLeft(t, client, remote)
  })

  for (const attempts of [1, 3]) {
    test.serial(`a job that kills its workers is begun so often: ${attempts}`, async (t) => {
      const remote = openRemote(t, redis, { attempts })
      const client = openClient(t, redis)
      let deaths = 0
      let closing = false
      // As a supervisor does: another, whenever one dies.
      const supervise = async () => {
        while (!closing) {
          const worker = await forkWorker(t, redis, remote, { ...FAST, dieOf: 'spin' })
          workers.add(worker)
          if (closing) worker.child.kill('SIGKILL')
          await worker.exited
          workers.delete(worker)
          if (worker.died) deaths++
        }
      }
      const workers = new Set()
      const supervised = supervise()
      const error = await t.throwsAsync(remote.run('spin', 1e12), { code: 'ERR_REMOTE' })
      t.is(error.message, `The task was begun ${attempts} times and not done: its workers died`)
      t.is(deaths, attempts)
      // The last one is let live until it is done.
      await nothingLeft(t, client, remote)
      closing = true
      for (const worker of workers) await worker.kill()
      await supervised
    })
  }

  test.serial('a kernel that panics is tried `attempts` times', async (t) => {
    const remote = openRemote(t, redis, { attempts: 4, backoff: { type: 'exponential', delay: 10 } })
    const client = openClient(t, redis)
    const worker = await forkWorker(t, redis, remote, FAST, { misbehaves: true })
    for (const place of ['prepare', 'run', 'step']) {
      const before = (await worker.ask('stats')).failed
      const error = await t.throwsAsync(remote.run('misbehave', place), { code: 'ERR_KERNEL_PANIC' })
      t.is(error.name, 'HeavyLoadError')
      t.regex(error.message, /on purpose/)
      const tried = (await worker.ask('stats')).failed - before
      t.is(tried, 4, place)
    }
    t.is(await remote.run('heavyLoad', 1000), 1000)
    await nothingLeft(t, client, remote)
  })

  test.serial('while it waits to be tried again a task can be aborted, and times out', async (t) => {
    const remote = openRemote(t, redis, { backoff: 60_000 })
    const client = openClient(t, redis)
    await forkWorker(t, redis, remote, FAST, { misbehaves: true })
    const control = new AbortController()
    const aborted = remote.run('misbehave', 'run', { signal: control.signal })
    const timed = remote.run('misbehave', 'run', { timeout: 2000 })
    await eventually(async () => (await client.zcard(`bull:${remote.name}:delayed`)) === 2, 'two that wait')
    control.abort()
    await t.throwsAsync(aborted, { code: 'ABORT_ERR' })
    await t.throwsAsync(timed, { code: 'ERR_TASK_TIMEOUT' })
    await nothingLeft(t, client, remote)
  })

  test.serial('arguments that are wrong are not tried again', async (t) => {
    const remote = openRemote(t, redis, { backoff: 60_000 })
    const worker = await openWorker(t, redis, remote)
    await t.throwsAsync(remote.run('heavyLoad', -1), { code: 'ERR_OUT_OF_RANGE' })
    await t.throwsAsync(remote.run('no kernel', 1), { code: 'ERR_UNKNOWN_KERNEL' })
    t.is(worker.pool.stats().running, 0)
    await nothingLeft(t, openClient(t, redis), remote)
  })

  test.serial('a job of a version that no worker knows ends, too', async (t) => {
    const remote = openRemote(t, redis, { attempts: 2, backoff: 300 })
    const client = openClient(t, redis)
    const task = remote.run('heavyLoad', 1)
    let job
    await eventually(async () => {
      job = (await keysIn(client, remote)).find((key) => !key.includes(':heavy-load:'))
      return job
    }, 'a job')
    const data = JSON.parse(await client.hget(job, 'data'))
    await client.hset(job, 'data', JSON.stringify({ ...data, version: 2 }))
    await openWorker(t, redis, remote)
    await t.throwsAsync(task, { code: 'ERR_REMOTE', message: /version 2/ })
    await nothingLeft(t, client, remote)
  })
})
