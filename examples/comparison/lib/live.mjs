// GET /live: how the server is, twice a second, as server-sent events. One sampler for all who watch, none while nobody does.
import { createHistogram } from 'node:perf_hooks'
import { usage } from './usage.mjs'

const EVERY_MS = 500
/** How often the event loop is asked for a turn; how much later it comes is the delay. */
const LOOK_MS = 10

/** `running()`: heavy requests in flight. Returns `close()`, which lets those who watch go. */
export function live(app, { running }) {
  const watchers = new Set()
  // In microseconds. Not monitorEventLoopDelay(): that misses a loop that is blocked within 10 ms of its reset(), which is
  // how a blocking strategy with requests waiting behind it behaves.
  const delay = createHistogram()
  let timers = []
  let looked
  let before

  app.get('/live', (_req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    // How soon a browser is to come back when the server has been restarted.
    res.write('retry: 1000\n\n')
    watchers.add(res)
    if (watchers.size === 1) start()
    res.once('close', () => {
      watchers.delete(res)
      if (watchers.size === 0) stop()
    })
  })

  function start() {
    before = { at: performance.now(), ...usage() }
    looked = performance.now()
    timers = [setInterval(look, LOOK_MS).unref(), setInterval(sample, EVERY_MS).unref()]
  }

  function stop() {
    for (const timer of timers) clearInterval(timer)
    delay.reset()
  }

  function look() {
    const now = performance.now()
    delay.record(Math.max(1, Math.round((now - looked - LOOK_MS) * 1000)))
    looked = now
  }

  function sample() {
    // What has held the look up may have held this up too: it is to be in this sample, not in the next.
    if (performance.now() - looked > LOOK_MS) look()
    const now = { at: performance.now(), ...usage() }
    // Never below 0: a child that was never waited for takes its CPU time with it.
    const cpu = Math.max(0, now.cpuSeconds - before.cpuSeconds) / ((now.at - before.at) / 1000)
    before = now
    const state = {
      time: Date.now(),
      eventLoopDelayMs: { p50: ms(delay.percentile(50)), p99: ms(delay.percentile(99)), max: ms(delay.max) },
      cpu: round(cpu),
      memoryMiB: round(now.memoryMiB),
      threads: now.threads,
      running: running(),
    }
    delay.reset()
    const event = `data: ${JSON.stringify(state)}\n\n`
    // Who does not read misses some, rather than have them pile up here.
    for (const res of watchers) if (!res.writableNeedDrain) res.write(event)
  }

  return {
    close() {
      for (const res of watchers) res.end()
    },
  }
}

function ms(microseconds) {
  return round(microseconds / 1000)
}

function round(number) {
  return Math.round(number * 100) / 100
}
