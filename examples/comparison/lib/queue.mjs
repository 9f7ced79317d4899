// What the server and the worker of the queue agree on.

/** The queue's name in Redis. */
export const QUEUE = 'heavy'

export function redisUrl() {
  return process.env.REDIS_URL ?? 'redis://127.0.0.1:6379'
}

/** What BullMQ connects with: it comes back soon after Redis does. */
export function connection() {
  return { url: redisUrl(), retryStrategy }
}

/** Milliseconds until the next try. */
export function retryStrategy(times) {
  return Math.min(100 * times, 1000)
}

/**
 * Exists while a running job is asked to stop. A key, not a message: it waits for a worker that does not know the job
 * yet.
 */
export function stopKey(id) {
  return `${QUEUE}:stop:${id}`
}
