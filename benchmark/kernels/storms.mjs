// What everybody else feels beside a storm of logins, thumbnails and queries: GET /fast, fs.readFile and the process's memory; heavy-load's packs
// and the packages that people use for the same, each in a process of its own, on two threads.
//
//   npm run setup -- --packs && node benchmark/kernels/storms.mjs [NAME ...]
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { figure, table } from '../../tools/table.mjs'
import { percentile } from '../lib/stats.mjs'
import { workerFile } from '../lib/workers.mjs'

const LOGINS = 200
const SECONDS = 4
const MIB = 2 ** 20

/** Each gives a call of the work, and how many of them there are at a time. */
const STORMS = {
  nothing: async () => ({ atOnce: 0, call: async () => {} }),
  heavyLoad: async () => {
    const { heavyLoad } = await import('heavy-load')
    return { atOnce: 4, call: () => heavyLoad(2e8) }
  },
  '200 logins: verifyPassword': async () => {
    const { hashPassword, verifyPassword } = await import('heavy-load/passwords')
    const hash = await hashPassword('secret', { memoryCost: 65_536, timeCost: 3 })
    return { atOnce: LOGINS, call: () => verifyPassword('secret', { hash }) }
  },
  '200 logins: @node-rs/argon2': async () => {
    const argon2 = await import('@node-rs/argon2')
    const hash = await argon2.hash('secret', { memoryCost: 65_536, timeCost: 3, parallelism: 1 })
    return { atOnce: LOGINS, call: () => argon2.verify(hash, 'secret') }
  },
  '200 logins: bcryptjs': async () => {
    const { default: bcryptjs } = await import('bcryptjs')
    const hash = await bcryptjs.hash('secret', 10)
    return { atOnce: LOGINS, call: () => bcryptjs.compare('secret', hash) }
  },
  'thumbnails: resizeImage by map': async () => {
    const { defaultPool } = await import('heavy-load')
    await import('heavy-load/image')
    const jpeg = await photo()
    // As many as there is time for: `map` keeps as many under way as there is room for.
    const endless = function* () {
      for (;;) yield jpeg
    }
    const results = defaultPool.map('resizeImage', endless(), { width: 320, format: 'jpeg' })
    return { atOnce: 1, call: () => results.next() }
  },
  'thumbnails: sharp, 8 at once': async () => {
    const { default: sharp } = await import('sharp')
    sharp.concurrency(2)
    sharp.cache(false)
    const jpeg = await photo()
    return { atOnce: 8, call: () => sharp(jpeg).resize(320).jpeg().toBuffer() }
  },
  'a field of 50 MB: queryJson': async () => {
    const { freeze } = await import('heavy-load')
    const { queryJson } = await import('heavy-load/data')
    const bytes = freeze(Buffer.from(json()))
    return { atOnce: 2, call: () => queryJson(bytes, { filter: '[.[].score] | add' }) }
  },
  'a field of 50 MB: JSON.parse': async () => {
    const bytes = Buffer.from(json())
    // A request is an event of its own.
    const call = async () => {
      await sleep(1)
      return JSON.parse(bytes).reduce((sum, { score }) => sum + score, 0)
    }
    return { atOnce: 2, call }
  },
}

const [first, ...others] = process.argv.slice(2)
if (first === '--in-child') {
  process.send(await measure(STORMS[others[0]]))
  // It is killed: to end by itself, it would have to do first what has been begun.
  await new Promise(() => setInterval(() => undefined, 1e6))
}
const wanted = first === undefined ? Object.keys(STORMS) : [first, ...others]
const rows = []
for (const name of wanted) {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), '--in-child', name], {
    env: { ...process.env, UV_THREADPOOL_SIZE: '2', HEAVY_LOAD_THREADS: '2' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit').then(([code, signal]) => Promise.reject(new Error(`${name}: ${signal ?? code}`)))
  const [figures] = await Promise.race([once(child, 'message'), ended])
  rows.push([name, ...figures.map(figure)])
  ended.catch(() => {})
  child.kill('SIGKILL')
}
console.log(
  table(
    [
      '',
      '/fast p50 [ms]',
      'p99 [ms]',
      'readFile p50 [ms]',
      'p99 [ms]',
      'done a second',
      'peak memory more [MiB]',
      'failed',
    ],
    rows,
  ),
)

/** Keeps the work up for some seconds, and asks meanwhile. */
async function measure(open) {
  const { atOnce, call } = await open()
  const server = createServer((_request, response) => response.end('ok'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const before = process.memoryUsage.rss()
  let [isOver, done, failed, peak] = [false, 0, 0, before]
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 10)
  const keepUp = async () => {
    while (!isOver) {
      await call().then(
        () => done++,
        () => failed++,
      )
    }
  }
  for (let lane = 0; lane < atOnce; lane++) keepUp()
  const start = performance.now()
  const client = fork(workerFile('get-fast.mjs'), [String(server.address().port), String(SECONDS)])
  const files = []
  const read = async () => {
    while (!isOver) {
      const asked = performance.now()
      await readFile(fileURLToPath(import.meta.url))
      files.push(performance.now() - asked)
      await sleep(20)
    }
  }
  read()
  const [fast] = await once(client, 'message')
  isOver = true
  clearInterval(watch)
  // No file may have been read by then.
  const file = (share) => (files.length === 0 ? null : percentile(files, share))
  const perSecond = (done / (performance.now() - start)) * 1e3
  return [fast.p50, fast.p99, file(50), file(99), perSecond, (peak - before) / MIB, failed]
}

/** Of 12 megapixels. */
async function photo() {
  const { photo } = await import('../../packs/image/__test__/helpers/images.mjs')
  return photo(4000, 3000)
}

function json() {
  return JSON.stringify(
    Array.from({ length: 250_000 }, (_, id) => ({ id, name: `user ${id}`, score: id * 1.37, bio: 'x'.repeat(120) })),
  )
}
