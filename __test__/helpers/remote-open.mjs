// Remote pools and workers for one test, on a queue of its own: whatever becomes of the test, nothing of them is left.
import { setTimeout as sleep } from 'node:timers/promises'
import { RemotePool, startWorker } from 'heavy-load/remote'
import { Redis } from 'ioredis'
import { openPool } from './pool.mjs'

const LONGEST_MS = 60_000
let queues = 0

/**
 * @param {any} t
 * @param {{ url: string }} redis
 * @param {any} [options]
 */
export function openRemote(t, redis, options) {
  const remote = new RemotePool({ connection: redis.url, queue: `test-${queues++}`, backoff: 10, ...options })
  t.teardown(() => remote.close({ force: true }))
  return remote
}

/**
 * In this process, on a pool of its own.
 * @param {any} t
 * @param {{ url: string }} redis
 * @param {{ name: string }} remote
 * @param {any} [options]
 */
export async function openWorker(t, redis, remote, options) {
  const pool = options?.pool ?? openPool(t, { threads: 2 })
  const worker = await startWorker({ connection: redis.url, queue: remote.name, ...options, pool })
  t.teardown(() => worker.close({ force: true }))
  return worker
}

/**
 * A remote pool, a worker in this process and a connection to look at Redis with.
 * @param {any} t
 * @param {{ url: string }} redis
 * @param {{ remote?: any, worker?: any }} [options]
 */
export async function openAll(t, redis, options) {
  const remote = openRemote(t, redis, options?.remote)
  const client = openClient(t, redis)
  const worker = await openWorker(t, redis, remote, options?.worker)
  return { remote, client, worker }
}

/**
 * A connection to look at Redis with.
 * @param {any} t
 * @param {{ url: string }} redis
 */
export function openClient(t, redis) {
  const client = new Redis(redis.url)
  client.on('error', () => {})
  t.teardown(() => client.disconnect())
  return client
}

/**
 * What a queue has in Redis of jobs, of bytes and of replies: BullMQ's keys of the queue itself are left out.
 * @param {Redis} client
 * @param {{ name: string }} remote
 */
export async function keysIn(client, remote) {
  const keys = await client.keys(`bull:${remote.name}:*`)
  return keys.filter((key) => key.includes(':heavy-load:') || /[0-9a-f]{8}-[0-9a-f]{4}/.test(key)).sort()
}

/**
 * Waits for what Redis does not tell by itself.
 * @param {() => unknown} condition may be asynchronous
 * @param {string} what
 */
export async function eventually(condition, what) {
  const giveUp = performance.now() + LONGEST_MS
  while (!(await condition())) {
    if (performance.now() > giveUp) throw new Error(`did not come to pass: ${what}`)
    await sleep(2)
  }
}

/**
 * Waits until nothing of any job is left. An open pool's stream of replies may be there, empty.
 * @param {any} t
 * @param {Redis} client
 * @param {{ name: string }} remote
 */
export async function nothingLeft(t, client, remote) {
  let left
  await eventually(async () => {
    left = []
    for (const key of await keysIn(client, remote)) {
      if (!key.includes(':replies:') || (await client.xlen(key)) > 0) left.push(key)
    }
    return left.length === 0
  }, `an empty queue; there are ${left}`)
  t.deepEqual(left, [])
}

/** A promise, and a function that resolves it: for callbacks that are awaited. */
export function signalled() {
  let tell
  const told = new Promise((resolve) => {
    tell = resolve
  })
  return { tell, told }
}

/**
 * Starts a task that never ends by itself, and resolves when a worker has begun it.
 * @param {{ run: Function }} remote
 * @param {any} [options]
 * @returns {Promise<{ promise: Promise<any> }>} wrapped, or it would be awaited
 */
export async function begin(remote, options) {
  const { tell, told } = signalled()
  const promise = remote.run('spin', 1e12, { onProgress: tell, ...options })
  promise.catch(() => {})
  await told
  return { promise }
}
