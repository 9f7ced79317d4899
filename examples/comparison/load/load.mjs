// The load of `npm run compare`: what clients see of a server that has heavy work to do.
import autocannon from 'autocannon'

const SECONDS = 6
const HEAVY_CLIENTS = 4
/** Far below what the server can do: its latency is asked for, not its capacity. */
const FAST_CLIENTS = 2
const FAST_RATE = 100
/** Connections are made and code is compiled before a latency counts. */
const WARM_UP_MS = 1000
/** Who has had no answer for so long at the end waits for one; else it may have paused, for the sake of the rate. */
const WAITING_MS = 1000
/** So long a client waits, in seconds: blocking strategies make it wait long. */
const PATIENCE = 60

/**
 * @param {string} url of the server
 * @param {string} heavyPath
 * @returns {Promise<{ p50: number, p99: number, max: number, heavy: number, memory: number }>} /fast in milliseconds, heavy
 *   answers a second, peak memory in MiB
 */
export async function load(url, heavyPath) {
  const watching = new AbortController()
  const memory = peakMemory(url, watching.signal)
  const [heavy, fast] = await Promise.all([
    ask(url + heavyPath, { connections: HEAVY_CLIENTS }),
    ask(`${url}/fast`, { connections: FAST_CLIENTS, overallRate: FAST_RATE }),
  ])
  watching.abort()
  const wrong = heavy.answers.find(({ status }) => status !== 200)
  if (wrong !== undefined) throw new Error(`${heavyPath} was answered ${wrong.status}`)
  const answered = fast.answers.filter(({ at }) => at > WARM_UP_MS).map(({ time }) => time)
  // They have waited so long at least: left out, the worst would look best.
  const times = [...answered, ...fast.waits.filter((wait) => wait > WAITING_MS)]
  const sorted = times.sort((a, b) => a - b)
  const percentile = (p) => sorted[Math.min(sorted.length - 1, Math.ceil((p / 100) * sorted.length) - 1)] ?? Number.NaN
  return {
    p50: percentile(50),
    p99: percentile(99),
    max: percentile(100),
    heavy: heavy.answers.length / heavy.seconds,
    memory: await memory,
  }
}

async function ask(url, options) {
  const answers = []
  /** When each connection had its last answer. */
  const last = new Map()
  const start = performance.now()
  const running = autocannon({ url, duration: SECONDS, timeout: PATIENCE, ...options })
  running.on('response', (client, status, _bytes, time) => {
    const at = performance.now() - start
    answers.push({ status, time, at })
    last.set(client, at)
  })
  await running
  const since = [...last.values()]
  const waits = Array.from({ length: options.connections }, (_, index) => SECONDS * 1e3 - (since[index] ?? 0))
  return { answers, waits, seconds: (performance.now() - start) / 1e3 }
}

/** The most memory that GET /live tells of until `signal` aborts. */
async function peakMemory(url, signal) {
  let peak = Number.NaN
  try {
    const response = await fetch(`${url}/live`, { signal })
    let text = ''
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const events = text.split('\n\n')
      text = events.pop()
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event)?.[1]
        if (data === undefined) continue
        const { memoryMiB } = JSON.parse(data)
        if (!(peak >= memoryMiB)) peak = memoryMiB
      }
    }
  } catch (error) {
    if (error.name !== 'AbortError') throw error
  }
  return peak
}
