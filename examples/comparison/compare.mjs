// Every strategy under the same load, in one table for each job; load/options.mjs has the command line.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, machine } from '../../tools/machine.mjs'
import { progressBar } from '../../tools/progress.mjs'
import { figure, table } from '../../tools/table.mjs'
import { jobs } from './lib/jobs.mjs'
import { contests } from './load/contests.mjs'
import { load } from './load/load.mjs'
import { optionsOf, USAGE } from './load/options.mjs'
import { picture } from './load/picture.mjs'
import { verdict } from './load/verdict.mjs'
import { formatAmount } from './public/amount.mjs'

/** Those that are compared here only. */
const PACKAGES = ['bcryptjs', '@node-rs/bcrypt', 'jimp', 'sharp']
const SERVER = fileURLToPath(new URL('index.mjs', import.meta.url))
const RESULTS = new URL('results/', import.meta.url)
/** Its processes are children of PM2's daemon, not of the server: their memory is not in the server's. */
const MEMORY_ELSEWHERE = new Set(['pm2'])
/** So long a server may take to end by itself. */
const GRACE_MS = 5000

const COLUMNS = [
  ['start-up [ms]', 'startUp'],
  ['/fast p50 [ms]', 'p50'],
  ['/fast p99 [ms]', 'p99'],
  ['/fast max [ms]', 'max'],
  ['heavy a second', 'heavy'],
  ['memory [MiB]', 'memory'],
]

const args = process.argv.slice(2)
const { compared, write } = options()
const about = describe(machine(PACKAGES))
const progress = progressBar(compared.length)
const rows = []
for (const { name, job } of compared) {
  progress.show(name)
  rows.push({ name, job, ...(await measure(name, contests[job].amount)) })
  progress.step()
}
progress.clear()
const parts = Object.values(jobs)
  .map((job) => ({ job, rows: rows.filter((row) => row.job === job.name) }))
  .filter(({ rows }) => rows.length > 0)

const command = ['npm run compare', ...(args.length > 0 ? ['--', ...args] : [])].join(' ')
const text = `# Every strategy under the same load

${about}
- \`${command}\`: each in a server of its own; four clients keep asking for the heavy work, and others for /fast, 100 times a second.
  /fast is measured after a second of warming up; one without an answer at the end counts for as long as it has waited. Start-up is the time to the
  first answer, to a request for 1. Memory is the peak of the server and all its child processes: PM2's and Redis are not among them. A step of
  \`shared\` is more work than one of the others: its heavy a second is its own.

${parts.map(section).join('\n\n')}
`
console.log(text)
if (write) {
  const measured = parts.map(({ job, rows }) => ({ job, rows: rows.filter(({ missing }) => !missing) }))
  writeFileSync(new URL('compare.md', RESULTS), text)
  writeFileSync(new URL('compare.svg', RESULTS), picture(measured))
}

function options() {
  try {
    return optionsOf(args)
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`)
    process.exit(1)
  }
}

/** One strategy in a server of its own. */
async function measure(name, amount) {
  const server = spawn(process.execPath, [SERVER], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const killed = () => server.kill('SIGKILL')
  process.once('exit', killed)
  try {
    const [line] = await once(createInterface({ input: server.stdout }), 'line')
    const url = line.split(' ').at(-1)
    const start = performance.now()
    const first = await fetch(`${url}/strategies/${name}?amount=1`)
    if (!first.ok) return { missing: (await first.json()).error.message }
    await first.arrayBuffer()
    const startUp = performance.now() - start
    const figures = await load(url, `/strategies/${name}?amount=${amount}`)
    if (MEMORY_ELSEWHERE.has(name)) figures.memory = Number.NaN
    return { startUp, ...figures }
  } finally {
    const ended = once(server, 'exit')
    server.kill('SIGTERM')
    const timer = setTimeout(killed, GRACE_MS)
    await ended
    clearTimeout(timer)
    process.removeListener('exit', killed)
  }
}

function section({ job, rows }) {
  const { amount, ours } = contests[job.name]
  const heading = `## ${job.title} (${job.unit}): ${formatAmount(amount)} a request`
  const figures = table(['', ...COLUMNS.map(([title]) => title)], rows.map(cells))
  return [heading, figures, verdict(ours, rows)].filter((part) => part !== '').join('\n\n')
}

function cells({ name, missing, ...figures }) {
  return [name, ...COLUMNS.map(([, key]) => (missing ? '-' : figure(figures[key])))]
}
