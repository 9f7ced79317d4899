// The clients of an overloaded server, in a process of their own: node overload.mjs '{ "port", "rate", "seconds", "deadline" }'.
import { constants, setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import autocannon from 'autocannon'
import { percentile } from '../lib/stats.mjs'

const { port, rate, seconds, deadline } = JSON.parse(process.argv[2])
const url = `http://127.0.0.1:${port}`
/** Clients wait a while longer than the server works. */
const PATIENCE = 2
/** Connections are made and code is compiled before a latency counts. */
const WARM_UP_MS = 1000

// Real clients have machines of their own. Where it is allowed, these at least do not wait for a core.
try {
  setPriority(constants.priority.PRIORITY_HIGHEST)
} catch {
  // An unprivileged user's clients wait as long for every contestant.
}

/** autocannon has all connections of a run ask at once, every second: many runs, one after the other, make an even load of it. */
const RUNS = 20

const [heavy, fast, metrics] = await Promise.all([
  // As many connections as there can be requests under way: the rate does not fall because answers are late.
  loadEvenly('/heavy', rate, Math.ceil(rate * (deadline / 1e3) * PATIENCE)),
  load('/fast', 20, 2),
  load('/metrics', 5, 1),
])
const ended = (status) => heavy.filter((answer) => answer.status === status)
process.send(
  {
    heavy: {
      all: heavy.length,
      inTime: ended(200).filter(({ time }) => time <= deadline).length,
      refused: ended(503).length,
      refusedP99: p99(ended(503)),
    },
    seconds,
    fastP99: p99(fast),
    metricsP99: p99(metrics),
  },
  () => process.exit(),
)

function p99(answers) {
  const times = answers.filter(({ at }) => at > WARM_UP_MS).map(({ time }) => time)
  return times.length > 0 ? percentile(times, 99) : Number.NaN
}

async function loadEvenly(path, overallRate, connections) {
  const runs = Math.min(RUNS, overallRate)
  const part = async (run) => {
    await sleep((1e3 * run) / runs)
    return load(path, overallRate / runs, Math.ceil(connections / runs))
  }
  return (await Promise.all(Array.from({ length: runs }, (_, run) => part(run)))).flat()
}

/** Every answer's status, and its time and when it came in milliseconds; what is not answered has the status 0. */
async function load(path, overallRate, connections) {
  const answers = []
  const start = performance.now()
  const timeout = Math.ceil((deadline / 1e3) * PATIENCE)
  const running = autocannon({ url: url + path, overallRate, connections, duration: seconds, timeout })
  running.on('response', (_client, status, _bytes, time) =>
    answers.push({ status, time, at: performance.now() - start }),
  )
  const { errors } = await running
  for (let error = 0; error < errors; error++) answers.push({ status: 0, time: Number.POSITIVE_INFINITY, at: 0 })
  return answers
}
