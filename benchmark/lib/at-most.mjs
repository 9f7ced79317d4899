// A queue for what has none of its own.

/**
 * `start`, with no more than `limit` calls under way at once; the others wait in order.
 * @template {unknown[]} A
 * @template T
 * @param {number} limit
 * @param {(...args: A) => Promise<T>} start
 * @returns {(...args: A) => Promise<T>}
 */
export function atMost(limit, start) {
  const waiting = []
  let running = 0
  return async (...args) => {
    if (running === limit) await new Promise((resolve) => waiting.push(resolve))
    else running++
    try {
      return await start(...args)
    } finally {
      // The place goes to the next in line, or is free.
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}
