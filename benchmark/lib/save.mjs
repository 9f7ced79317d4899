// Keeps a run: raw results, tables, and a picture of each scenario.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { describe } from '../../tools/machine.mjs'
import { picture } from '../../tools/picture.mjs'
import { columnsOf } from './columns.mjs'
import { panels } from './panels.mjs'
import { report } from './report.mjs'

const RESULTS = new URL('../results/', import.meta.url)

/**
 * Writes results.json, results.md and NAME.svg. What was there before goes: the folder holds one run, never parts of two.
 * @param {object} run
 * @param {object[]} scenarios those that were asked for
 * @param {URL} [folder]
 */
export function save(run, scenarios, folder = RESULTS) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const parts = ['# Results', heading(run)]
  for (const scenario of scenarios) {
    const { name, title } = scenario
    if (run.failed[name] !== undefined) parts.push(`## ${title}`, `Failed: ${run.failed[name]}`)
    const results = run.results[name]
    // The run goes on.
    if (results === undefined) continue
    const settings = settingsOf(run, name)
    parts.push(report(scenario, results, settings))
    const drawn = panels(results, columnsOf(scenario, settings))
    if (drawn.length === 0) continue
    writeFileSync(new URL(`${name}.svg`, folder), picture(title, drawn))
    parts.push(`![${title}](${name}.svg)`)
  }
  const total = Object.values(run.seconds).reduce((sum, seconds) => sum + seconds, 0)
  parts.push(`All of it took ${(total / 60).toFixed(1)} minutes.`)
  writeFileSync(new URL('results.md', folder), `${parts.join('\n\n')}\n`)
  writeFileSync(new URL('results.json', folder), asJson(run))
}

/** What a reader of figures has to know before the first. */
export function heading({ machine, command, threads, quick }) {
  const caution = quick ? ', quick: a first look, nothing to publish' : ''
  return `${describe(machine)}\n- \`${command}\`: ${threads} threads for every contestant${caution}`
}

export function settingsOf({ threads, quick, rounds, seconds }, name) {
  return { threads, quick, rounds: rounds[name], seconds: seconds[name] }
}

/** Rounds stand on one line, with more digits than any clock here is good for. */
export function asJson(run) {
  const shorter = (_key, value) => (typeof value === 'number' ? Number(value.toPrecision(6)) : value)
  const text = JSON.stringify(run, shorter, 2)
  return `${text.replace(/\[\n\s+([^[\]{}]*?)\n\s+\]/g, (_list, items) => `[${items.replace(/\n\s+/g, ' ')}]`)}\n`
}
