// The strategies `cluster` and `pm2` of examples/comparison: the same server, many times. PM2 itself is not installed
// for tests; the server that it runs is.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { freePort } from '../../../tools/redis.mjs'
import ecosystem from '../ecosystem.config.cjs'
import { strategy as clusterStrategy } from '../strategies/cluster.mjs'
import { strategy as pm2Strategy } from '../strategies/pm2.mjs'

const cores = availableParallelism()
/** Minutes of work: whoever sees the end of it has stopped it. */
const ENDLESS = 1e12

/** A cluster that ends with the test. */
async function open(t) {
  const cluster = await clusterStrategy.open()
  t.teardown(cluster.close)
  return cluster
}

test.serial('a cluster has a worker for each core, which answer with the count', async (t) => {
  const cluster = await open(t)
  const { workers, restarts } = cluster.state()
  t.is(workers.length, cores)
  t.is(restarts, 0)
  const counts = Array.from({ length: 4 * cores }, (_, i) => 1000 + i)
  t.deepEqual(await Promise.all(counts.map((count) => cluster.run(count))), counts)
})

test.serial('requests are spread over the workers', async (t) => {
  const { state } = await open(t)
  const { port, workers } = state()
  const answered = new Set()
  for (let i = 0; i < 4 * cores; i++) {
    const answer = await fetch(`http://127.0.0.1:${port}/fast`, { headers: { Connection: 'close' } })
    answered.add((await answer.json()).pid)
  }
  t.deepEqual([...answered].sort(), [...workers].sort())
})

test.serial('a worker that dies is replaced', async (t) => {
  const cluster = await open(t)
  const [dead] = cluster.state().workers
  process.kill(dead, 'SIGKILL')
  do await once(cluster.primary, 'message')
  while (cluster.state().workers.length < cores)
  t.is(cluster.state().restarts, 1)
  t.false(cluster.state().workers.includes(dead))
  t.is(await cluster.run(1000), 1000)
})

test.serial('a client that leaves is not kept waiting', async (t) => {
  const cluster = await open(t)
  const client = new AbortController()
  const answer = cluster.run(ENDLESS, { signal: client.signal })
  client.abort()
  await t.throwsAsync(answer, { code: 'ABORT_ERR' })
})

test.serial('closing ends the primary and its workers, though they count', async (t) => {
  const cluster = await clusterStrategy.open()
  const { port, workers } = cluster.state()
  for (let i = 0; i < cores; i++) await begin(t, port)
  await cluster.close()
  for (const pid of [cluster.primary.pid, ...workers]) t.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
})

/** Asks for a count without end, and resolves when a worker has begun: it says 100 then, and nothing more. */
async function begin(t, port) {
  const url = `http://127.0.0.1:${port}/heavy?iterations=${ENDLESS}`
  const client = request(url, { agent: false, headers: { Expect: '100-continue' } })
  const cutOff = t.throwsAsync(once(client, 'response'))
  t.teardown(() => cutOff)
  client.flushHeaders()
  await once(client, 'continue')
  client.end()
}

test.serial('without PM2, `pm2` says how to start it', async (t) => {
  process.env.HEAVY_PM2_PORT = String(await freePort())
  const pm2 = await pm2Strategy.open()
  const error = await t.throwsAsync(pm2.run(1000), { code: 'ERR_STRATEGY_UNAVAILABLE' })
  t.regex(error.message, /npx pm2@\S+ start ecosystem\.config\.cjs/)
})

test.serial('`pm2` asks the server that PM2 runs, which ends when PM2 asks it to', async (t) => {
  const [app] = ecosystem.apps
  process.env.HEAVY_PM2_PORT = String(await freePort())
  const script = fileURLToPath(new URL(`../${app.script}`, import.meta.url))
  const server = spawn(process.execPath, [script], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  t.teardown(() => server.kill('SIGKILL'))
  // What PM2 waits for.
  t.true(app.wait_ready)
  const [message] = await once(server, 'message')
  t.is(message, 'ready')
  const pm2 = await pm2Strategy.open()
  t.is(await pm2.run(1000), 1000)
  server.kill('SIGINT')
  const [code] = await once(server, 'exit')
  t.is(code, 0)
})
