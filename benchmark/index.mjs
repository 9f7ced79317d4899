// The command: `npm run bench -- [NAME ...]`. See README.md.
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { machine } from '../tools/machine.mjs'
import { progressBar } from '../tools/progress.mjs'
import { parseCommandLine, scenarioNames, USAGE } from './lib/arguments.mjs'
import { compare } from './lib/compare.mjs'
import { buildLimits } from './lib/limits.mjs'
import { report } from './lib/report.mjs'
import { run } from './lib/runner.mjs'
import { asJson, heading, save, settingsOf } from './lib/save.mjs'

try {
  const options = parseCommandLine()
  if (options.help) console.log(USAGE)
  else if (options.compare) await compareFiles(options.positionals)
  else await bench(options)
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}

async function bench(options) {
  const plans = await makePlans(options)
  const { quick, threads } = options
  const command = ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' ')
  const record = { machine: machine(), command, threads, quick, rounds: {}, seconds: {}, failed: {}, results: {} }
  console.log(heading(record))
  const steps = plans.map(({ contestants, settings }) => contestants.length * settings.rounds)
  const progress = progressBar(steps.reduce((sum, count) => sum + count))
  for (const { scenario, contestants, settings } of plans) {
    const { name } = scenario
    const started = performance.now()
    try {
      const results = await run(scenario, contestants, settings, progress)
      record.seconds[name] = since(started)
      record.rounds[name] = settings.rounds
      record.results[name] = results
      progress.clear()
      console.log(`\n${report(scenario, results, settingsOf(record, name))}`)
    } catch (error) {
      // The other scenarios may still be worth their time.
      record.failed[name] = error.message
      record.seconds[name] = since(started)
      progress.clear()
      console.error(`\n${name}: ${error.message}`)
      process.exitCode = 1
    }
    keep(record, plans, options)
  }
}

function since(started) {
  return (performance.now() - started) / 1e3
}

/** After every scenario, so that a run that is cut short is not lost. */
function keep(record, plans, { json, save: asked }) {
  if (json !== undefined) writeFileSync(fromCaller(json), asJson(record))
  if (asked) {
    save(
      record,
      plans.map(({ scenario }) => scenario),
    )
  }
}

/** Says what moved between two files, and fails if something of ours got worse. */
async function compareFiles(files) {
  if (files.length !== 2) throw new Error('--compare takes two files of results')
  const [before, after] = files.map((file) => JSON.parse(readFileSync(fromCaller(file), 'utf8')))
  const known = Object.keys(after.results).filter((name) => scenarioNames().includes(name))
  const scenarios = await Promise.all(known.map(loadScenario))
  const { text, worse } = compare(before, after, Object.fromEntries(scenarios.map((one) => [one.name, one])))
  console.log(text)
  if (worse) process.exitCode = 1
}

/** What is to be measured: scenarios, who takes part, and how often. Builds what that needs. */
async function makePlans({ names, only, quick, threads, rounds }) {
  const plans = []
  for (const name of names) {
    const scenario = await loadScenario(name)
    const all = scenario.limits === undefined ? scenario.contestants : [...scenario.contestants, 'limits']
    const contestants = only === undefined ? all : all.filter((contestant) => only.includes(contestant))
    const settings = { quick, threads, rounds: rounds ?? (quick ? 3 : scenario.rounds) }
    if (contestants.length > 0) plans.push({ scenario, contestants, settings })
  }
  if (plans.length === 0) throw new Error(`None of these takes part: ${only.join(', ')}`)
  if (plans.some(({ contestants }) => contestants.includes('limits'))) buildLimits()
  return plans
}

async function loadScenario(name) {
  return { name, ...(await import(`./scenarios/${name}.mjs`)) }
}

/** npm runs a workspace's scripts in its folder; paths are meant from where the command was given. */
function fromCaller(file) {
  return resolve(process.env.INIT_CWD ?? '.', file)
}
