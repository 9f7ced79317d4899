// What else waits for libuv's threads, while every core is busy with heavy tasks: files, names and cryptography.
import { pbkdf2 } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { open } from '../lib/contestants.mjs'
import { countingRate } from '../lib/limits.mjs'
import { keepBusy } from '../lib/load.mjs'
import { percentile } from '../lib/stats.mjs'

export const title = "libuv's own users while every core is busy"

// heavy-load-async shares libuv's threads with them: the reason for a pool of one's own.
export const contestants = ['heavy-load', 'heavy-load-async', 'piscina', 'piscina-nice']

export const rounds = 3

const derive = promisify(pbkdf2)
const FILE_BYTES = 4096
/** About a millisecond of work. */
const ITERATIONS = 2000

const USERS = {
  readFile: { title: 'fs.readFile of 4 KiB', run: (file) => readFile(file, 'latin1') },
  lookup: { title: "dns.lookup('localhost')", run: async () => (await lookup('localhost')).address.length > 0 },
  pbkdf2: {
    title: 'crypto.pbkdf2 of about 1 ms',
    run: async () => (await derive('password', 'salt', ITERATIONS, 32, 'sha512')).toString('hex'),
  },
}

export const columns = [
  ...Object.entries(USERS).flatMap(([name, { title }]) => [
    { figure: `${name}P50`, title: `${title}, p50`, unit: 'ms', limit: `${name}P50` },
    { figure: `${name}P99`, title: `${title}, p99`, unit: 'ms', limit: `${name}P99`, picture: 'logarithmic' },
  ]),
  { figure: 'heavy', title: 'heavy tasks beside them', unit: 'a second', limit: 'heavy', better: 'more' },
]

export const limitColumns = [
  ...Object.entries(USERS).flatMap(([name, { title }]) => [
    { figure: `${name}P50`, title: `the same, idle: ${title}, p50`, unit: 'ms' },
    { figure: `${name}P99`, title: `the same, idle: ${title}, p99`, unit: 'ms' },
  ]),
  { figure: 'heavy', title: 'heavy tasks in plain Rust programs on all cores', unit: 'a second' },
]

/** About a twentieth of a second. */
const STEPS = 2e8
const EVERY_MS = 20
const WARM_UP_MS = 500

export async function measure({ contestant, threads, quick }) {
  const pool = await open(contestant, { threads })
  const heavy = keepBusy(() => pool.count(STEPS), STEPS, 2 * threads)
  const { figures, answers } = await use(quick)
  return { figures: { ...figures, heavy: heavy.perSecond() }, answers }
}

export async function limits({ threads, quick }) {
  const { figures, answers } = await use(quick)
  return { figures: { ...figures, heavy: (await countingRate(5 * STEPS, threads)) / STEPS }, answers }
}

/** Each user asks every EVERY_MS, or as soon as its last answer is there; they do not ask all at once. */
async function use(quick) {
  const folder = await mkdtemp(join(tmpdir(), 'heavy-load-benchmark-'))
  const file = join(folder, 'small')
  await writeFile(file, 'x'.repeat(FILE_BYTES))
  const start = performance.now()
  const end = start + WARM_UP_MS + (quick ? 1500 : 3000)
  const figures = {}
  const answers = {}
  const names = Object.keys(USERS)
  await Promise.all(
    names.map(async (name, number) => {
      const latencies = []
      let next = start + (EVERY_MS * number) / names.length
      // At least one, however long it takes.
      while (next < end || latencies.length === 0) {
        await sleep(next - performance.now())
        const asked = performance.now()
        answers[name] = await USERS[name].run(file)
        if (asked > start + WARM_UP_MS) latencies.push(performance.now() - asked)
        next = Math.max(next + EVERY_MS, performance.now())
      }
      figures[`${name}P50`] = percentile(latencies, 50)
      figures[`${name}P99`] = percentile(latencies, 99)
    }),
  )
  await rm(folder, { recursive: true })
  return { figures, answers }
}
