// Every scenario has what the report asks for, and stands in the README with its question.
import { readFileSync } from 'node:fs'
import test from 'ava'
import { scenarioNames } from '../lib/arguments.mjs'
import { columnsOf, limitColumnsOf } from '../lib/columns.mjs'

const SETTINGS = { threads: 2, quick: false, rounds: 1 }
const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

for (const name of scenarioNames()) {
  test(`${name}: stands in the README`, (t) => {
    t.true(README.includes(`| [${name}](scenarios/${name}.mjs) |`))
  })

  test(`${name}: its figures have names of their own, and its limits are measured`, async (t) => {
    const scenario = await import(`../scenarios/${name}.mjs`)
    const figures = columnsOf(scenario, SETTINGS).map(({ figure }) => figure)
    t.is(new Set(figures).size, figures.length)
    const limits = new Set(limitColumnsOf(scenario, SETTINGS).map(({ figure }) => figure))
    const missing = columnsOf(scenario, SETTINGS).filter(({ limit }) => limit !== undefined && !limits.has(limit))
    t.deepEqual(missing, [])
    t.is(scenario.limits !== undefined, limits.size > 0)
  })
}
