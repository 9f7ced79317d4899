// The comparison server over real HTTP: each strategy gives the same answer, tells how far it is, and stops, as far as it says it can.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setImmediate as turn } from 'node:timers/promises'
import test from 'ava'
import { freePort, redisIsInstalled, startRedis } from '../../../tools/redis.mjs'
import { createApp } from '../index.mjs'
import { jobs } from '../lib/jobs.mjs'
import { strategies } from '../lib/strategies.mjs'
import { eventsOf } from './events.mjs'

const example = dirname(import.meta.dirname)

const NAMES = [
  'blocking',
  'set-immediate',
  'child-process',
  'worker-farm',
  'worker-thread',
  'worker-pool',
  'shared-array-buffer',
  'cluster',
  'pm2',
  'queue',
  'sync',
  'libuv',
  'rayon',
  'shared',
  'remote',
  'bcryptjs',
  'node-rs-bcrypt',
  'verify-password',
  'jimp',
  'sharp',
  'resize-image',
]
/** They need something outside Node.js, which may not be there. */
const MAY_LACK = ['pm2', 'queue', 'remote']
const OURS = ['libuv', 'rayon', 'shared', 'remote', 'verify-password', 'resize-image']
/** By job: amounts that are soon done, and one that takes a while. The greatest only ends by a hang-up, while a test waits. */
const AMOUNTS = {
  count: { quick: [0, 1, 70_001, 2e7], some: 2e8 },
  login: { quick: [1, 2], some: 3 },
  thumbnails: { quick: [1, 2], some: 3 },
}
const ENDLESS = jobs.count.most

let comparison
let server
let url
let redis

test.before(async () => {
  // Without one, those that need it say so, which is tested then.
  if (redisIsInstalled) {
    redis = await startRedis()
    process.env.REDIS_URL = redis.url
  }
  comparison = createApp()
  server = await listen(comparison.app)
  url = urlOf(server)
})

test.after.always(async () => {
  await end(server, comparison)
  await redis?.stop()
})

test.serial('/strategies lists all, in order, with what each can do', async (t) => {
  const response = await fetch(`${url}/strategies`)
  t.is(response.status, 200)
  const list = await response.json()
  t.deepEqual(
    list.map(({ name }) => name),
    NAMES,
  )
  t.deepEqual(
    list.map(({ job }) => job),
    strategies.map(({ job }) => jobs[job]),
  )
  t.deepEqual([...new Set(list.map(({ job }) => job.name))], Object.keys(jobs))
  for (const { name, route, title, summary, can } of list) {
    t.is(route, `/strategies/${name}`)
    t.truthy(title)
    t.truthy(summary)
    t.deepEqual(Object.keys(can), ['parallel', 'progress', 'cancel', 'zeroCopy', 'otherMachines'])
    t.true(Object.values(can).every((value) => typeof value === 'boolean'))
  }
})

test.serial('/strategies says what has to be started first, and no more once that listens', async (t) => {
  const unavailable = async (name) => {
    const list = await (await fetch(`${url}/strategies`)).json()
    return list.find((strategy) => strategy.name === name).unavailable
  }
  const port = await freePort()
  setEnvironment(t, { HEAVY_PM2_PORT: String(port), REDIS_URL: `redis://127.0.0.1:${port}` })
  t.regex(await unavailable('pm2'), /Start it: .*pm2/)
  for (const name of ['queue', 'remote']) t.regex(await unavailable(name), /Start one: redis-server/)
  t.is(await unavailable('rayon'), null)
  const listener = createServer().listen(port, '127.0.0.1')
  await once(listener, 'listening')
  t.teardown(() => listener.close())
  for (const name of ['pm2', 'queue', 'remote']) t.is(await unavailable(name), null)
})

test.serial('the README has the same tables, one for each job', (t) => {
  const readme = readFileSync(join(example, 'README.md'), 'utf8')
  const rowsOf = (section) =>
    [...section.matchAll(/^\| `([\w-]+)` \| (.*) \|$/gm)].map(([, name, cells]) => [
      name,
      ...cells.split(' | ').map((cell) => cell.trim()),
    ])
  const [, ...sections] = readme.split(/^### /m)
  const mark = (value) => (value ? 'yes' : '–')
  t.deepEqual(
    sections.map((section) => [section.split('\n')[0], rowsOf(section)]),
    Object.values(jobs).map((job) => [
      job.title,
      strategies
        .filter((strategy) => strategy.job === job.name)
        .map(({ name, title, can }) => [name, title, ...Object.values(can).map(mark)]),
    ]),
  )
})

test.serial('/fast answers', async (t) => {
  t.is(await (await fetch(`${url}/fast`)).text(), 'fast')
})

for (const strategy of strategies) {
  const { name, job, can } = strategy
  const route = `/strategies/${name}`
  const { quick, some } = AMOUNTS[job]

  test.serial(`${name}: does what it was asked for`, async (t) => {
    for (const amount of quick) {
      const response = await fetch(`${url}${route}?amount=${amount}`)
      if (await isLacking(t, name, response.status, async () => (await response.json()).error)) return
      t.is(response.status, 200)
      t.is(response.headers.has('Server-Timing'), OURS.includes(name))
      const { strategy, answer, ms } = await response.json()
      t.is(strategy, name)
      t.is(answer, amount)
      t.true(ms >= 0)
    }
    t.is(comparison.running(), 0)
  })

  test.serial(`${name}: progress rises, and then comes the result`, async (t) => {
    const response = await stream(`${route}?amount=${some}`)
    t.is(response.status, 200)
    t.is(response.headers.get('Content-Type'), 'text/event-stream')
    const events = []
    for await (const event of eventsOf(response)) events.push(event)
    const last = events.pop()
    if (last.event === 'failure') {
      t.true(await isLacking(t, name, 503, async () => last.data))
      return
    }
    t.is(last.event, 'result')
    t.is(last.data.answer, some)
    t.true(events.every(({ event }) => event === 'progress'))
    if (!can.progress) t.is(events.length, 0)
    assertRising(
      t,
      events.map(({ data }) => data.fraction),
    )
  })

  if (can.cancel) {
    test.serial(`${name}: others are answered meanwhile, and a client that goes away stops it`, async (t) => {
      const processes = childProcesses()
      const hangUp = new AbortController()
      const response = await stream(`${route}?amount=${jobs[job].most}`, hangUp.signal)
      const events = eventsOf(response)
      const fractions = []
      while (fractions.length < 3) {
        const { event, data } = (await events.next()).value
        if (event === 'failure') {
          t.true(await isLacking(t, name, 503, async () => data))
          return
        }
        t.is(event, 'progress')
        fractions.push(data.fraction)
      }
      assertRising(t, fractions)
      t.is(comparison.running(), 1)
      t.is((await fetch(`${url}/fast`)).status, 200)
      hangUp.abort()
      await until(() => comparison.running() === 0)
      await until(() => childProcesses() === processes)
      // What has been stopped was not the strategy itself.
      t.is((await (await fetch(`${url}${route}?amount=${quick[1]}`)).json()).answer, quick[1])
    })
  } else {
    test.serial(`${name}: a client that goes away does no harm`, async (t) => {
      const hangUp = new AbortController()
      const asked = fetch(`${url}${route}?amount=${some}`, { signal: hangUp.signal })
      let isOver = false
      const over = asked.then(
        () => (isOver = true),
        () => (isOver = true),
      )
      await until(() => isOver || comparison.running() === 1)
      hangUp.abort()
      await over
      await until(() => comparison.running() === 0)
      t.is((await fetch(`${url}/fast`)).status, 200)
    })
  }
}

test.serial('child-process: a process that dies is a failure, and says how it died', async (t) => {
  const events = eventsOf(await stream(`/strategies/child-process?amount=${ENDLESS}`))
  t.is((await events.next()).value.event, 'progress')
  const isIt = ({ spawnargs }) => spawnargs?.some((argument) => argument.endsWith('child-process.mjs'))
  process._getActiveHandles().find(isIt).kill('SIGKILL')
  let last
  for await (const event of events) last = event
  t.is(last.event, 'failure')
  t.regex(last.data.message, /SIGKILL/)
})

test.serial('queue: a job can be put in without waiting for it, or it says what is missing', async (t) => {
  const route = `${url}/strategies/queue/jobs`
  const response = await fetch(`${route}?amount=1000`, { method: 'POST' })
  const body = await response.json()
  if (await isLacking(t, 'queue', response.status, async () => body.error)) return
  t.is(response.status, 202)
  t.is((await fetch(`${route}/${body.id}`)).status, 200)
})

for (const accept of ['application/json', 'text/event-stream']) {
  test.serial(`bad amounts get 400 and say why (${accept})`, async (t) => {
    const bad = ['', 'many', '-1', '0.5', '1e13', 'NaN', 'Infinity', '1&amount=2']
    for (const text of bad) {
      const response = await fetch(`${url}/strategies/rayon?amount=${text}`, { headers: { accept } })
      t.is(response.status, 400, text)
      const { error } = await response.json()
      t.is(error.code, 'ERR_OUT_OF_RANGE', text)
      t.regex(error.message, /"amount" is out of range/, text)
    }
  })

  test.serial(`more than the most of a job gets 400 (${accept})`, async (t) => {
    for (const { name, most } of Object.values(jobs)) {
      const strategy = strategies.find(({ job }) => job === name)
      const response = await fetch(`${url}/strategies/${strategy.name}?amount=${most + 1}`, { headers: { accept } })
      t.is(response.status, 400, name)
      const { error } = await response.json()
      t.true(error.message.includes(`<= ${most}.`), error.message)
    }
  })

  test.serial(`an unknown strategy gets 404 (${accept})`, async (t) => {
    const response = await fetch(`${url}/strategies/magic`, { headers: { accept } })
    t.is(response.status, 404)
    const { error } = await response.json()
    t.is(error.code, 'ERR_UNKNOWN_STRATEGY')
    t.regex(error.message, /magic/)
  })
}

test.serial('close() ends what runs and what is kept, also where a request cannot be cancelled', async (t) => {
  const before = childProcesses()
  const other = createApp()
  const otherServer = await listen(other.app)
  const names = ['child-process', 'worker-farm', 'worker-thread', 'worker-pool', 'set-immediate', 'rayon']
  const asked = names.map((name) => fetch(`${urlOf(otherServer)}/strategies/${name}?amount=${ENDLESS}`))
  await until(() => other.running() === names.length && childProcesses() > before)
  await end(otherServer, other)
  for (const { status } of await Promise.allSettled(asked)) t.is(status, 'rejected')
  await until(() => childProcesses() === before)
  await until(() => other.running() === 0)
  t.pass()
})

test.serial('run directly it listens on PORT, and on SIGTERM exits when it has answered', async (t) => {
  const child = spawn(process.execPath, [join(example, 'index.mjs')], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const [address] = /http:\S+/.exec((await lines.next()).value)

  // Somebody watches, and a strategy that keeps processes is open.
  const live = await fetch(`${address}/live`)
  const farm = await fetch(`${address}/strategies/worker-farm?amount=1000`)
  t.is((await farm.json()).answer, 1000)
  const heavy = eventsOf(await fetch(`${address}/strategies/rayon?amount=3e9`, EVENT_STREAM))
  await heavy.next()
  child.kill('SIGTERM')
  let last
  for await (const event of heavy) last = event
  t.is(last.event, 'result')
  t.is(last.data.answer, 3e9)
  await live.text()
  t.deepEqual(await exited, [0, null])
})

const EVENT_STREAM = { headers: { accept: 'text/event-stream' } }

function stream(path, signal) {
  return fetch(url + path, { ...EVENT_STREAM, signal })
}

/** For the time of a test. */
function setEnvironment(t, variables) {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name]
    process.env[name] = value
    t.teardown(() => {
      if (before === undefined) delete process.env[name]
      else process.env[name] = before
    })
  }
}

/** Whether a strategy lacks what it needs, as it may; then it says so. */
async function isLacking(t, name, status, errorOf) {
  if (status !== 503 || !MAY_LACK.includes(name)) return false
  const { code, message } = await errorOf()
  t.is(code, 'ERR_STRATEGY_UNAVAILABLE')
  t.regex(message, /start/i)
  return true
}

function assertRising(t, fractions) {
  t.true(
    fractions.every((fraction, index) => fraction > (fractions[index - 1] ?? -1) && fraction <= 1),
    String(fractions),
  )
}

async function listen(app) {
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

function urlOf(server) {
  return `http://127.0.0.1:${server.address().port}`
}

async function end(server, { close }) {
  server.close()
  await close()
  server.closeAllConnections()
}

/** Those that run, of this process. */
function childProcesses() {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'ProcessWrap').length
}

/** Lets the event loop turn until `condition` holds; ava's timeout bounds it. */
async function until(condition) {
  while (!condition()) await turn()
}
