// Jobs over one Redis: RemotePool and its worker, beside BullMQ by itself with the same answers asked for. Caller, Redis and
// one worker process share this machine.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { redisIsInstalled, startRedis } from '../../tools/redis.mjs'
import { workerFile } from '../lib/workers.mjs'

export const title = 'Jobs over one Redis'

export const contestants = ['heavy-load', 'bullmq']

export const rounds = 5

export const columns = [
  { figure: 'empty', title: 'empty jobs', unit: 'a second', better: 'more', picture: 'linear' },
  { figure: 'busy', title: 'jobs of 1 ms', unit: 'a second', limit: 'busy', better: 'more', picture: 'linear' },
]

export const limitColumns = [{ figure: 'busy', title: 'jobs of 1 ms if nothing but they cost time', unit: 'a second' }]

export const goals = [
  { what: "empty jobs / bare BullMQ's", of: ({ ours, bestPeer }) => ours('empty') / bestPeer('empty'), atLeast: 0.9 },
  { what: "jobs of 1 ms / bare BullMQ's", of: ({ ours, bestPeer }) => ours('busy') / bestPeer('busy'), atLeast: 0.9 },
  {
    what: "jobs of 1 ms / bare BullMQ's empty ones",
    of: ({ ours, bestPeer }) => ours('busy') / bestPeer('empty'),
    atLeast: 0.9,
  },
]

/** Jobs that the caller waits for at a time, and those that the worker holds. */
const IN_FLIGHT = 64
const CONCURRENCY = 16
const WARM_UP = 500

export async function measure({ contestant, quick }) {
  if (!redisIsInstalled) throw new Error('There is no redis-server (Debian: apt-get install redis-server)')
  const redis = await startRedis()
  const worker = fork(workerFile('remote.cjs'), [contestant, redis.url, String(CONCURRENCY)])
  try {
    await once(worker, 'message')
    const { run, close } = await caller[contestant](redis.url)
    const jobs = quick ? 1000 : 4000
    await perSecond(() => run(0), WARM_UP)
    const figures = { empty: await perSecond(() => run(0), jobs), busy: await perSecond(() => run(1), jobs / 2) }
    await close()
    return { figures }
  } finally {
    worker.kill('SIGKILL')
    await redis.stop()
  }
}

export async function limits({ threads }) {
  return { figures: { busy: threads * 1000 } }
}

/** What a caller does to have a job done that takes `ms` of a CPU, and to have its answer. */
const caller = {
  async 'heavy-load'(url) {
    const { RemotePool } = await import('../../lib/remote/index.js')
    const pool = new RemotePool({ connection: url, queue: 'benchmark' })
    return { run: (ms) => pool.run('spin', ms), close: () => pool.close() }
  },
  async bullmq(url) {
    const { Queue, QueueEvents } = await import('bullmq')
    // Answers are looked for in the job: it has to stay a while.
    const defaultJobOptions = { removeOnComplete: { count: 1000 } }
    const queue = new Queue('benchmark', { connection: { url }, defaultJobOptions })
    // From the beginning: its default is whatever comes after its first question, and who asks later waits for ever.
    const events = new QueueEvents('benchmark', { connection: { url }, lastEventId: '0-0' })
    queue.setMaxListeners(0)
    await Promise.all([queue.waitUntilReady(), events.waitUntilReady()])
    return {
      run: async (ms) => (await queue.add('spin', { ms })).waitUntilFinished(events),
      close: () => Promise.all([queue.close(), events.close()]),
    }
  },
}

async function perSecond(run, jobs) {
  let left = jobs
  const lane = async () => {
    while (left-- > 0) await run()
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  return (1e3 * jobs) / (performance.now() - start)
}
