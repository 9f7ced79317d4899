// What is looked at all the time: GET /fast, which the page measures itself, and /live, which the server tells of itself.

const EVERY_MS = 100
const samples = new EventTarget()

/** Calls `listener` with each sample of `name`, 'fast' or 'live'. */
export function on(name, listener, options) {
  samples.addEventListener(name, ({ detail }) => listener(detail), options)
}

/** The next sample of `name`. */
export function next(name) {
  return new Promise((resolve) => on(name, resolve, { once: true }))
}

/** Asks for /fast every 100 ms, never twice at once. Samples: { start, end, ok }, in milliseconds of performance.now(). */
export async function watchFast() {
  for (;;) {
    const start = performance.now()
    const ok = await askFast()
    const end = performance.now()
    emit('fast', { start, end, ok })
    await new Promise((resolve) => setTimeout(resolve, start + EVERY_MS - end))
  }
}

/** Follows /live; the browser connects anew by itself. `onConnected(yes)`: whether the server can be reached. */
export function watchLive(onConnected) {
  const source = new EventSource('/live')
  source.onopen = () => onConnected(true)
  source.onerror = () => onConnected(false)
  source.onmessage = ({ data }) => emit('live', { ...JSON.parse(data), at: performance.now() })
}

/**
 * Latencies of samples as if /fast had been asked for every 100 ms come what may: those that were due while one waited
 * would have waited with it, and are counted for the rest of that time.
 */
export function latencies(taken) {
  const list = []
  for (const { start, end } of taken) for (let ms = end - start; ms > 0; ms -= EVERY_MS) list.push(ms)
  return list.sort((a, b) => a - b)
}

async function askFast() {
  try {
    const response = await fetch('/fast', { cache: 'no-store' })
    await response.text()
    return response.ok
  } catch {
    return false
  }
}

function emit(name, detail) {
  samples.dispatchEvent(new CustomEvent(name, { detail }))
}
