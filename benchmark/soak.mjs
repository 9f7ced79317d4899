// The soak: `npm run soak -- --minutes 10`. An Express server with pools of its own and a remote one, against clients that leave and
// pipeline, workers that are upgraded or killed, and a Redis that is killed. At its end the counts have to be exact, and nothing left:
// no listener, no timer, no key, no file. Bounded in time and memory.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { redisIsInstalled, startRedis } from '../tools/redis.mjs'
import { ask, leave, pipeline, stay } from './soak/clients.mjs'
import { Counts, random } from './soak/counts.mjs'

const QUEUE = 'soak'
const STAYING = 6
const LEAVING = 4
const PIPELINING = 2
const WORKERS = 2
/** How often a worker is upgraded, and Redis killed; and how long that is away at most. */
const UPGRADE_MS = 4000
const KILL_MS = 12_000
const AWAY_MS = 2000
/** How long all that is under way may take to come to its end, and then each process. */
const SETTLE_MS = 60_000
const EXIT_MS = 15_000
const TOLD_MS = 15_000
const MIB = 2 ** 20
/** What the server may keep more at the end, when all is closed, than at the tenth part of the time; and what it may use at most. */
const GROWTH = 24 * MIB
const MOST = 700 * MIB

const { minutes, seed } = options()
if (!redisIsInstalled) throw new Error('There is no redis-server (Debian: apt-get install redis-server)')
const faults = new Counts()
const counts = new Counts()
const events = new Counts()
const next = random(seed)
/** All that this makes in the file system is in here. */
const folder = mkdtempSync(join(tmpdir(), 'heavy-load-soak-'))
process.env.TMPDIR = folder
const children = new Set()
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
// Whatever hangs is a fault, too.
const longest = minutes * 60_000 + 2 * SETTLE_MS + 4 * EXIT_MS
setTimeout(() => {
  report({ 'it ends in time': `not after ${Math.round(longest / 1000)} s` })
  process.exit(1)
}, longest).unref()

console.log(`${minutes} minutes, seed ${seed}`)
await soak()

async function soak() {
  const redis = await startRedis({ appendonly: true })
  const eye = new Redis(redis.url, { maxRetriesPerRequest: null })
  eye.on('error', () => {})
  const workers = []
  while (workers.length < WORKERS) workers.push(await startWorker(redis.url))
  const server = start('server', [redis.url, QUEUE], ['--expose-gc'])
  const [{ port }] = await once(server.child, 'message')

  const until = performance.now() + minutes * 60_000
  const isOver = () => performance.now() > until
  const clients = [stay, leave, pipeline].flatMap((kind, at) =>
    Array.from({ length: [STAYING, LEAVING, PIPELINING][at] }, () =>
      kind({ port, random: random(next() * 2 ** 32), counts, faults, isOver }),
    ),
  )
  const [{ used }] = await Promise.all([
    sleep(minutes * 6000).then(() => server.ask('memory')),
    upgrade(workers, redis.url, isOver),
    kill(redis, isOver),
    tell(isOver, until),
    ...clients,
  ])

  // Whatever there was: Redis is back, and so are all that need it.
  for (const path of ['/local/1', '/remote/1']) {
    await eventually(async () => (await ask({ port, path, who: 'after' })).status === 200, `${path} is served again`)
  }
  await eventually(async () => {
    const { open, handling } = await server.ask('open')
    return open === 0 && handling === 0
  }, 'every request and every handler ends')
  await eventually(
    async () => (await keysOfTasks(eye)).length === 0,
    'no key of a task is left',
    () => keysOfTasks(eye),
  )
  const end = await server.ask('end')
  const serverExit = await server.exit()
  const workerExits = []
  for (const worker of workers) {
    worker.child.kill('SIGTERM')
    workerExits.push(await worker.exit())
  }
  const keys = await allKeys(eye)
  eye.disconnect()
  await redis.stop()
  const files = readdirSync(folder)
  process.exitCode = report(judge({ ...end, used, serverExit, workerExits, keys, files })) ? 0 : 1
}

/** What is wrong with each thing that has to be right: nothing, as a rule. */
function judge(end) {
  const { requests, seen, stats, metrics } = end
  console.log('\nrequests', requests, '\nclients', counts.all, '\ntasks', seen, '\nevents', events.all)
  const of = (who) => Object.entries(requests).filter(([name]) => name.startsWith(`${who} `) && name !== `${who} came`)
  const sum = (entries) => entries.reduce((total, [, count]) => total + count, 0)
  const same = (one, other) => (JSON.stringify(one) === JSON.stringify(other) ? '' : `${show(one)}, not ${show(other)}`)
  const ofClients = Object.entries(counts.all).filter(([name]) => /^stay \d/.test(name))
  return {
    'answers are right': show(faults.all),
    'clients that stay: each request has an answer': same(sum(ofClients), counts.get('stay sent')),
    'their answers are those that the server gave': same(Object.fromEntries(of('stay')), Object.fromEntries(ofClients)),
    'requests that came are those that were answered or left': same(
      sum([...of('stay'), ...of('leave')]),
      (requests['stay came'] ?? 0) + (requests['leave came'] ?? 0),
    ),
    'no more came than were sent': (requests['leave came'] ?? 0) <= counts.get('leave sent') ? '' : 'more',
    'stats() of the pool are what callers saw': same(stats.local, seen.local),
    'stats() of the remote pool, too': same(stats.remote, seen.remote),
    'map was refused as often as its callers saw': same(stats.mapping.rejected, seen.mapping.rejected),
    'metrics are the statistics': same(metrics, stats),
    'no task is left': same(end.atWork, 0),
    'nothing unexpected was thrown': show(end.unexpected),
    'no warning': show(end.warnings),
    'nothing is left in the server': end.left.join('; '),
    'no listener is left on a signal or a pool': same(end.listenersLeft, 0),
    'the server ends by itself': same(end.serverExit, 'exit 0'),
    'workers end by themselves': same(
      new Set(end.workerExits).size === 1 ? end.workerExits[0] : end.workerExits,
      'exit 0',
    ),
    'no key but those of the queue itself': end.keys.join(' '),
    'no file': end.files.join(' '),
    'the server keeps no memory':
      end.memory.used <= end.used + GROWTH ? '' : `${mib(end.used)}, then ${mib(end.memory.used)}`,
    'nor needs much': end.memory.most <= MOST ? '' : mib(end.memory.most),
    'clients were served': counts.get('stay 200') > 0 && seen.remote.completed > 0 ? '' : 'none were',
    'and disturbed': events.get('Redis killed') > 0 && events.get('worker killed') > 0 ? '' : 'too short a time',
  }
}

/** Says what is right and what is not; gives whether all is. */
function report(points) {
  console.log()
  for (const [what, wrong] of Object.entries(points))
    console.log(`${wrong === '' ? 'ok  ' : 'NOT '} ${what}${wrong && `: ${wrong}`}`)
  return Object.values(points).every((wrong) => wrong === '')
}

/** Rolling upgrades: a new worker comes, an old one goes; every other time without a word. */
async function upgrade(workers, url, isOver) {
  for (let time = 0; !isOver(); time++) {
    await sleep(UPGRADE_MS * (0.5 + next()))
    const fresh = await startWorker(url)
    workers.push(fresh)
    const old = workers.shift()
    const signal = time % 2 === 0 ? 'SIGKILL' : 'SIGTERM'
    old.child.kill(signal)
    events.add(signal === 'SIGKILL' ? 'worker killed' : 'worker upgraded')
    const exit = await old.exit()
    if (signal === 'SIGTERM' && exit !== 'exit 0') faults.add(`an upgraded worker: ${exit}`)
  }
}

async function kill(redis, isOver) {
  while (!isOver()) {
    await sleep(KILL_MS * (0.5 + next()))
    await redis.end('SIGKILL')
    events.add('Redis killed')
    await sleep(AWAY_MS * next())
    await redis.restart()
  }
}

async function tell(isOver, until) {
  while (!isOver()) {
    await sleep(Math.max(1, Math.min(TOLD_MS, until - performance.now())))
    const left = Math.max(0, Math.round((until - performance.now()) / 1000))
    console.log(`${left} s left: ${counts.get('stay sent') + counts.get('leave sent')} requests, ${show(events.all)}`)
  }
}

async function startWorker(url) {
  const worker = start('worker', [url, QUEUE])
  const [message] = await Promise.race([once(worker.child, 'message'), once(worker.child, 'exit')])
  if (message !== 'ready') throw new Error('A worker has not started')
  return worker
}

/** A process that ends with this one, at the latest. */
function start(name, args, execArgv = []) {
  const script = fileURLToPath(new URL(`soak/${name}.mjs`, import.meta.url))
  const child = fork(script, args, { execArgv, cwd: folder, env: { ...process.env, NODE_ENV: 'production' } })
  children.add(child)
  const exited = once(child, 'exit').then(([code, signal]) => {
    children.delete(child)
    return signal === null ? `exit ${code}` : signal
  })
  let asked = 0
  const waiting = new Map()
  child.on('message', ({ id, answer, error }) => {
    const { resolve, reject } = waiting.get(id) ?? {}
    waiting.delete(id)
    if (error === undefined) resolve?.(answer)
    else reject?.(new Error(error))
  })
  return {
    child,
    ask(what) {
      const answer = new Promise((resolve, reject) => waiting.set(++asked, { resolve, reject }))
      child.send({ id: asked, what })
      return Promise.race([answer, exited.then((how) => Promise.reject(new Error(`The ${name} has ended: ${how}`)))])
    },
    exit: () => Promise.race([exited, sleep(EXIT_MS, 'does not end', { ref: false })]),
  }
}

async function eventually(condition, what, detail = () => []) {
  const giveUp = performance.now() + SETTLE_MS
  while (!(await condition())) {
    if (performance.now() > giveUp) {
      const more = await detail()
      faults.add(`not so: ${what}${more.length > 0 ? `, but ${more.join(' ')}` : ''}`)
      return
    }
    await sleep(100)
  }
}

/** What tasks have in Redis: jobs, whose names have a UUID, and bytes beside them; an open pool's stream of replies may be there, empty. */
async function keysOfTasks(eye) {
  const keys = []
  for (const key of await eye.keys(`*:${QUEUE}:*`)) {
    if (!/:heavy-load:|[0-9a-f]{8}-[0-9a-f]{4}-/.test(key)) continue
    if ((await eye.type(key)) !== 'stream' || (await eye.xlen(key)) > 0) keys.push(key)
  }
  return keys
}

/** When all is closed: all keys but those that BullMQ keeps of any queue, and what workers that were killed have told, for a minute. */
async function allKeys(eye) {
  const own = /^bull:[^:]+:(meta|id|events|marker|pc|stalled-check|heavy-load-workers)$/
  return (await eye.keys('*')).filter((key) => !own.test(key)).sort()
}

function show(value) {
  const text = JSON.stringify(value)
  return text === '{}' || text === '[]' ? '' : text
}

function mib(bytes) {
  return `${Math.round(bytes / MIB)} MiB`
}

function options() {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } } })
  const minutes = Number(values.minutes)
  if (!(minutes > 0 && minutes <= 24 * 60)) throw new Error(`--minutes takes a number above 0, not '${values.minutes}'`)
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed)
  if (!Number.isInteger(seed)) throw new Error(`--seed takes a whole number, not '${values.seed}'`)
  return { minutes, seed }
}
