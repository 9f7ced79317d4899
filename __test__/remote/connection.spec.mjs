// The user's own Redis: options and clients of every make, and what cannot work is refused in one clear line.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { Worker } from 'bullmq'
import { RemotePool, startWorker } from 'heavy-load/remote'
import { Cluster, Redis } from 'ioredis'
import { freePort, startRedis } from '../../tools/redis.mjs'
import { errorOf } from '../helpers/errors.mjs'
import { openPool } from '../helpers/pool.mjs'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import { begin, eventually, nothingLeft, openClient, openRemote, openWorker } from '../helpers/remote-open.mjs'

/** Connections that fail at once, without a Redis. */
const REFUSED = [
  [() => lazy(new Cluster([{ port: 1 }], { lazyConnect: true })), 'ERR_INVALID_ARG_VALUE', /Redis Cluster.* Sentinel$/],
  [() => [{ host: '127.0.0.1' }], 'ERR_INVALID_ARG_TYPE', /instance of Array/],
  [() => ({ keyPrefix: 'app:' }), 'ERR_INVALID_ARG_VALUE', /keyPrefix: options\.prefix is for that/],
  [() => 'redis://127.0.0.1/0?keyPrefix=app', 'ERR_INVALID_ARG_VALUE', /keyPrefix: options\.prefix is for that/],
  [() => lazy(new Redis({ keyPrefix: 'app:', lazyConnect: true })), 'ERR_INVALID_ARG_VALUE', /keyPrefix/],
  [() => new URL('http://:secret@127.0.0.1'), 'ERR_INVALID_ARG_VALUE', /Received one with http:$/],
  [() => ({ url: 'nowhere' }), 'ERR_INVALID_ARG_VALUE', /must be a URL/],
  [() => ({ duplicate() {}, sendCommand() {} }), 'ERR_INVALID_ARG_TYPE', /an ioredis client/],
]

function lazy(client) {
  client.on('error', () => {})
  return client
}

test('what cannot work is refused by name', async (t) => {
  for (const [connection, code, message] of REFUSED) {
    for (const make of [async (options) => new RemotePool(options), startWorker]) {
      const error = await errorOf(make({ connection: connection() }))
      t.is(error.code, code, error.message)
      t.regex(error.message, message)
      t.notRegex(error.message, /secret|\n/)
    }
  }
})

test('misspelt options are told', async (t) => {
  const connection = 'redis://127.0.0.1:1'
  t.throws(() => new RemotePool({ connection, attemps: 9 }), { code: 'ERR_INVALID_ARG_VALUE', message: /'attempts'/ })
  const error = await errorOf(startWorker({ connection, concurency: 9 }))
  t.is(error.code, 'ERR_INVALID_ARG_VALUE')
  t.regex(error.message, /'concurrency'/)
})

withRedis(test, "the user's own Redis", () => {
  const redis = redisFor(test)

  /** That tasks, bytes, progress and aborts work. */
  async function works(t, connection) {
    const remote = openRemote(t, redis, { connection })
    const client = openClient(t, redis)
    const worker = await openWorker(t, redis, remote, { connection })
    t.deepEqual(await remote.run('sort', Uint8Array.of(3, 1, 2)), Uint8Array.of(1, 2, 3))
    const control = new AbortController()
    const { promise } = await begin(remote, { signal: control.signal })
    control.abort()
    t.is((await errorOf(promise)).code, 'ABORT_ERR')
    await eventually(() => worker.pool.stats().running === 0, 'a worker that has stopped')
    await t.throwsAsync(remote.run('spin', 1e12, { timeout: 300 }), { code: 'ERR_TASK_TIMEOUT' })
    await nothingLeft(t, client, remote)
    await remote.close()
    await worker.close()
  }

  for (const [what, options] of Object.entries({
    'replies as of RESP3': { replyMapping: 'resp3' },
    RESP2: { protocol: 2 },
    'numbers as strings': { stringNumbers: true },
    'automatic pipelines': { enableAutoPipelining: true },
    'short timeouts of commands': { commandTimeout: 200, socketTimeout: 300, blockingTimeout: 200 },
    'no queue while it is away': { enableOfflineQueue: false, autoResendUnfulfilledCommands: false },
    'few retries': { maxRetriesPerRequest: 1 },
    'a URL among options': { url: 'in place' },
  })) {
    test.serial(`options: ${what}`, async (t) => {
      const { url, port } = redis
      await works(t, 'url' in options ? { url: new URL(url) } : { ...options, port })
      if ('url' in options) return
      const client = new Redis({ ...options, port })
      client.on('error', () => {})
      t.teardown(() => client.disconnect())
      await works(t, client)
    })
  }

  test.serial('a URL object, and options in the query of a URL', async (t) => {
    await works(t, new URL(redis.url))
    await works(t, `${redis.url}/0?stringNumbers=true&commandTimeout=200`)
  })

  test.serial("the pause between tries is the caller's own, and so is when to give up", async (t) => {
    const own = await startRedis()
    t.teardown(() => own.stop())
    const asked = []
    const retryStrategy = (times) => {
      asked.push(times)
      return times < 3 ? 10 : null
    }
    const remote = openRemote(t, own, { connection: { port: own.port, retryStrategy } })
    const errors = []
    const worker = await openWorker(t, own, remote, {
      connection: { port: own.port, retryStrategy },
      onError: (error) => errors.push(error),
    })
    t.true(worker.ready)
    t.is(await remote.run('heavyLoad', 10), 10)
    const { promise } = await begin(remote)
    await own.end('SIGKILL')
    const error = await errorOf(promise)
    t.is(error.code, 'ERR_REMOTE')
    t.regex(error.message, /is away, and is not tried again/)
    t.true(asked.includes(3))
    await eventually(() => errors.some(({ message }) => message.includes('not tried again')), "the worker's error")
    t.false(worker.ready)
    // The next task begins anew.
    await own.restart()
    await openWorker(t, own, remote)
    t.is(await remote.run('heavyLoad', 10), 10)
  })

  test.serial('one connection that is given up takes the other with it, and the next task begins anew', async (t) => {
    let isOver = false
    const connection = { port: redis.port, retryStrategy: () => (isOver ? null : 10) }
    const remote = openRemote(t, redis, { connection })
    const client = openClient(t, redis)
    await openWorker(t, redis, remote)
    const { promise } = await begin(remote)
    isOver = true
    // The one that waits for replies.
    const lines = (await client.client('LIST')).split('\n')
    const readers = lines.filter((line) => / cmd=xread /.test(line)).map((line) => /id=(\d+)/.exec(line)[1])
    t.is(readers.length, 1)
    await client.client('KILL', 'ID', readers[0])
    const error = await errorOf(promise)
    t.is(error.code, 'ERR_REMOTE')
    t.regex(error.message, /is away, and is not tried again/)
    isOver = false
    t.is(await remote.run('heavyLoad', 10), 10)
  })

  test.serial('a worker that cannot start leaves no connection open', async (t) => {
    const client = openClient(t, redis)
    const remote = openRemote(t, redis)
    const count = async () => (await client.client('LIST')).trim().split('\n').length
    await client.ping()
    const before = await count()
    const broken = new Error('not ready')
    const { waitUntilReady } = Worker.prototype
    Worker.prototype.waitUntilReady = async function waitInVain() {
      await waitUntilReady.call(this)
      throw broken
    }
    t.teardown(() => {
      Worker.prototype.waitUntilReady = waitUntilReady
    })
    const pool = openPool(t, { threads: 1 })
    t.is(await errorOf(startWorker({ connection: redis.url, queue: remote.name, pool })), broken)
    await eventually(async () => (await count()) === before, 'as many connections as before')
    t.deepEqual(await client.hkeys(`bull:${remote.name}:heavy-load-workers`), [])
  })

  test.serial('a Redis that is part of a Cluster is told in one line', async (t) => {
    const cluster = await startRedis({ more: ['--cluster-enabled', 'yes'] })
    t.teardown(() => cluster.stop())
    const remote = openRemote(t, cluster)
    for (const call of [remote.run('heavyLoad', 1), startWorker({ connection: cluster.url })]) {
      const error = await errorOf(call)
      t.is(error.code, 'ERR_REMOTE')
      t.regex(error.message, /^Redis at 127\.0\.0\.1:\d+ is a Redis Cluster: .*$/)
    }
  })

  test.serial('behind Sentinel', async (t) => {
    const master = await startRedis()
    t.teardown(() => master.stop())
    const port = await startSentinel(t, master.port)
    const sentinels = [{ host: '127.0.0.1', port }]
    const connection = { sentinels, name: 'main' }
    const remote = openRemote(t, master, { connection })
    const worker = await openWorker(t, master, remote, { connection })
    t.deepEqual(await remote.run('sort', Uint8Array.of(2, 1)), Uint8Array.of(1, 2))
    await worker.close()
    const unknown = openRemote(t, master, { connection: { sentinels, name: 'other' }, connectTimeout: 500 })
    const error = await errorOf(unknown.run('heavyLoad', 1))
    t.is(error.code, 'ERR_REMOTE')
    t.regex(error.message, /^Redis 'other' behind Sentinel did not answer/)
  })
})

/** @returns its port */
async function startSentinel(t, masterPort) {
  const port = await freePort()
  const dir = await mkdtemp(join(tmpdir(), 'heavy-load-sentinel-'))
  const file = join(dir, 'sentinel.conf')
  await writeFile(file, `port ${port}\ndir ${dir}\nsentinel monitor main 127.0.0.1 ${masterPort} 1\n`)
  const child = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' })
  t.teardown(async () => {
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
    await rm(dir, { recursive: true, force: true })
  })
  return port
}
