// Every strategy under the same load, in one table: npm run compare [-- NAME ...]. Writes results/compare.md and compare.svg.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, machine } from '../../tools/machine.mjs'
import { progressBar } from '../../tools/progress.mjs'
import { figure, table } from '../../tools/table.mjs'
import { OURS, strategies } from './lib/strategies.mjs'
import { load } from './load/load.mjs'
import { picture } from './load/picture.mjs'

const SERVER = fileURLToPath(new URL('index.mjs', import.meta.url))
const RESULTS = new URL('results/', import.meta.url)
/** Some 130 ms on one core. */
const ITERATIONS = 5e8
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

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !strategies.some((strategy) => strategy.name === name))
if (unknown.length > 0) {
  console.error(`There is no strategy '${unknown[0]}'. There are: ${strategies.map(({ name }) => name).join(', ')}`)
  process.exit(1)
}
const compared = strategies.filter(({ name }) => wanted.length === 0 || wanted.includes(name))
const about = describe(machine())
const progress = progressBar(compared.length)
const rows = []
for (const { name } of compared) {
  progress.show(name)
  rows.push({ name, ...(await measure(name)) })
  progress.step()
}
progress.clear()

const command = ['npm run compare', ...(wanted.length > 0 ? ['--', ...wanted] : [])].join(' ')
const text = `# Every strategy under the same load

${about}
- \`${command}\`: each in a server of its own; four clients keep asking for the heavy work (${ITERATIONS.toExponential()} steps), and others for
  /fast, 100 times a second; /fast is measured after a second of warming up. Memory is the peak of the server and all its child processes:
  PM2's and Redis are not among them. A step of \`shared\` is more work than one of the others: its heavy a second is its own.

${table(['', ...COLUMNS.map(([title]) => title)], rows.map(cells))}

${verdict(rows)}
`
console.log(text)
mkdirSync(RESULTS, { recursive: true })
writeFileSync(new URL('compare.md', RESULTS), text)
writeFileSync(new URL('compare.svg', RESULTS), picture(rows.filter(({ missing }) => !missing)))

/** One strategy in a server of its own. */
async function measure(name) {
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
    const figures = await load(url, `/strategies/${name}?amount=${ITERATIONS}`)
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

function cells({ name, missing, ...figures }) {
  return [name, ...COLUMNS.map(([, key]) => (missing ? '-' : figure(figures[key])))]
}

/** Says where ours is ahead, and where it is not. */
function verdict(rows) {
  const there = rows.filter(({ missing }) => !missing)
  const ours = there.find(({ name }) => name === 'rayon')
  const others = there.filter(({ name }) => !OURS.has(name))
  const lines = rows.filter(({ missing }) => missing).map(({ name, missing }) => `- ${name} was left out: ${missing}`)
  if (ours === undefined || others.length === 0) return lines.join('\n')
  const least = (key) =>
    others.filter((row) => Number.isFinite(row[key])).reduce((best, row) => (row[key] < best[key] ? row : best))
  const most = others.reduce((best, row) => (row.heavy > best.heavy ? row : best))
  const against = (what, best, key, isAhead) =>
    `- ${what}: rayon ${figure(ours[key])}, best of the others ${figure(best[key])} (${best.name}): ${isAhead ? 'ahead' : 'NOT ahead'}`
  return [
    against('/fast p99 [ms]', least('p99'), 'p99', ours.p99 <= least('p99').p99),
    against('heavy a second', most, 'heavy', ours.heavy >= most.heavy),
    against('memory [MiB]', least('memory'), 'memory', ours.memory <= least('memory').memory),
    ...lines,
  ].join('\n')
}
