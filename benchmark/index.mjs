// The command: `npm run bench -- [NAME ...]`. See README.md.
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseCommandLine, USAGE } from './lib/arguments.mjs'
import { compare } from './lib/compare.mjs'
import { buildLimits } from './lib/limits.mjs'
import { describe, machine } from './lib/machine.mjs'
import { progressBar } from './lib/progress.mjs'
import { report } from './lib/report.mjs'
import { run } from './lib/runner.mjs'

try {
  const options = parseCommandLine()
  if (options.help) console.log(USAGE)
  else if (options.compare) console.log(compare(...options.positionals.map(readResults)))
  else await bench(options)
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}

async function bench(options) {
  const plans = await makePlans(options)
  const { quick, threads, json } = options
  const about = machine()
  console.log(`${describe(about)}\n- ${threads} threads for every contestant${quick ? ', quick' : ''}`)
  const steps = plans.map(({ contestants, settings }) => contestants.length * settings.rounds)
  const progress = progressBar(steps.reduce((sum, count) => sum + count))
  const results = {}
  for (const { scenario, contestants, settings } of plans) {
    try {
      results[scenario.name] = await run(scenario, contestants, settings, progress)
      progress.clear()
      console.log(`\n${report(scenario, results[scenario.name], settings)}`)
      if (json !== undefined) writeResults(json, { machine: about, threads, quick, results })
    } catch (error) {
      // The other scenarios may still be worth their time.
      progress.clear()
      console.error(`\n${scenario.name}: ${error.message}`)
      process.exitCode = 1
    }
  }
}

/** What is to be measured: scenarios, who takes part, and how often. Builds what that needs. */
async function makePlans({ names, only, quick, threads, rounds }) {
  const plans = []
  for (const name of names) {
    const scenario = { name, ...(await import(`./scenarios/${name}.mjs`)) }
    const all = scenario.limits === undefined ? scenario.contestants : [...scenario.contestants, 'limits']
    const contestants = only === undefined ? all : all.filter((contestant) => only.includes(contestant))
    const settings = { quick, threads, rounds: rounds ?? (quick ? 3 : scenario.rounds) }
    if (contestants.length > 0) plans.push({ scenario, contestants, settings })
  }
  if (plans.length === 0) throw new Error(`None of these takes part: ${only.join(', ')}`)
  if (plans.some(({ contestants }) => contestants.includes('limits'))) buildLimits()
  return plans
}

/** After every scenario, so that a run that is cut short is not lost. */
function writeResults(file, results) {
  writeFileSync(fromCaller(file), `${JSON.stringify(results, null, 2)}\n`)
}

function readResults(file) {
  return JSON.parse(readFileSync(fromCaller(file), 'utf8'))
}

/** npm runs a workspace's scripts in its folder; paths are meant from where the command was given. */
function fromCaller(file) {
  return resolve(process.env.INIT_CWD ?? '.', file)
}
