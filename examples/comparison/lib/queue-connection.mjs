// The server's end of the queue: puts jobs in, hears of them, takes them out.
import { randomUUID } from 'node:crypto'
import { Queue, QueueEvents } from 'bullmq'
import { Redis } from 'ioredis'
import { redisNeed } from './outside.mjs'
import { connection, QUEUE, redisUrl, retryStrategy, stopKey } from './queue.mjs'
import { unavailable } from './unavailable.mjs'

/** How long Redis may take to answer at first. */
const PATIENCE_MS = 1000
/** How long a question for events may wait for one: without Redis, nothing can end sooner. */
const QUESTION_MS = 1000
/** How long answers are kept for those who poll, in seconds. */
const KEEP = { age: 3600, count: 1000 }
/** How long a job can be asked to stop, in seconds: by then it has begun and has seen it, or it has ended. */
const STOP_FOR = 60

export async function connect() {
  const url = redisUrl()
  const redis = await reach(url)
  const queue = new Queue(QUEUE, {
    connection: redis,
    defaultJobOptions: { removeOnComplete: KEEP, removeOnFail: KEEP },
  })
  // From the last event that there is, not from whenever its first question comes to Redis: a job may be done by then.
  const [last] = await redis.xrevrange(queue.toKey('events'), '+', '-', 'COUNT', 1)
  const events = new QueueEvents(QUEUE, {
    connection: connection(),
    lastEventId: last?.[0] ?? '0-0',
    blockingTimeout: QUESTION_MS,
  })
  // Errors are told by the calls that fail, and connections come back.
  queue.on('error', () => {})
  events.on('error', () => {})
  await events.waitUntilReady()
  /** What rejects the promises of those who wait. */
  const waiting = new Set()
  redis.on('close', () => {
    for (const reject of waiting) reject(missing(url))
  })

  /** What fails because Redis is away says so. */
  const reachable =
    (ask) =>
    async (...args) => {
      try {
        return await ask(...args)
      } catch (error) {
        throw redis.status === 'ready' ? error : missing(url, error)
      }
    }

  /** Resolves with the id. */
  const add = reachable(async (iterations, jobId = randomUUID()) => {
    await queue.add('count', { iterations }, { jobId })
    return jobId
  })

  /** Resolves with whether the job was waiting, and is gone. One that runs is asked to stop, and then fails. */
  const cancel = reachable(async (id) => {
    const job = await queue.getJob(id)
    if (job === undefined) return false
    // Asked first: a waiting job may start at any time.
    await redis.set(stopKey(id), '', 'EX', STOP_FOR)
    if (!(await job.isWaiting())) return false
    try {
      await job.remove()
      return true
    } catch {
      // It has started meanwhile, and its worker has locked it.
      return false
    }
  })

  /** How a job is, for those who poll; `undefined` if there is none. */
  const look = reachable(async (id) => {
    // In this order: what is told is at least as new as the state.
    const state = await queue.getJobState(id)
    const job = await queue.getJob(id)
    if (job === undefined) return undefined
    const error = job.failedReason === undefined ? {} : { error: { message: job.failedReason } }
    return { state, progress: job.progress, answer: job.returnvalue ?? null, ...error }
  })

  return {
    add,
    cancel,
    look,

    /** Adds a job and resolves with its answer. */
    async run(iterations, { signal, onProgress } = {}) {
      signal?.throwIfAborted()
      const id = randomUUID()
      let leave
      let stop
      const answer = new Promise((resolve, reject) => {
        const listeners = {
          [`completed:${id}`]: ({ returnvalue }) => resolve(returnvalue),
          [`failed:${id}`]: ({ failedReason }) => reject(signal?.aborted ? signal.reason : new Error(failedReason)),
          [`progress:${id}`]: ({ data }) => onProgress?.(data),
        }
        for (const [event, listener] of Object.entries(listeners)) events.on(event, listener)
        waiting.add(reject)
        leave = () => {
          for (const [event, listener] of Object.entries(listeners)) events.off(event, listener)
          waiting.delete(reject)
          signal?.removeEventListener('abort', stop)
        }
        stop = () => {
          cancel(id).then((removed) => removed && reject(signal.reason), reject)
        }
      })
      // Listening before there is a job: no event can be missed.
      const settled = answer.finally(leave)
      settled.catch(() => {})
      try {
        await add(iterations, id)
      } catch (error) {
        leave()
        throw error
      }
      signal?.addEventListener('abort', stop)
      if (signal?.aborted) stop()
      return settled
    },

    async close() {
      for (const reject of waiting) reject(unavailable('The server is closing its queue'))
      await leaveEvents(events)
      await queue.close()
      redis.disconnect()
    },
  }
}

/**
 * A connection that fails at once while Redis is away, and comes back with it; `reach` itself takes a second at most.
 */
async function reach(url) {
  let reached = false
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    retryStrategy: (times) => (reached ? retryStrategy(times) : null),
  })
  // What fails says so itself.
  redis.on('error', () => {})
  let timer
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer in ${PATIENCE_MS} ms`)), PATIENCE_MS)
  })
  try {
    await Promise.race([redis.connect(), late])
    reached = true
    return redis
  } catch (error) {
    redis.disconnect()
    throw missing(url, error)
  } finally {
    clearTimeout(timer)
  }
}

/** close() waits for a connection to end: for ever, if there is none just then. */
async function leaveEvents(events) {
  const { status } = await events.backend.client
  const closed = events.close()
  if (status === 'ready') await closed
}

function missing(url, cause) {
  return unavailable(redisNeed(url).remedy, { cause })
}
