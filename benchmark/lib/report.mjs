// A scenario's results as Markdown.
import { figure, table } from './table.mjs'

/**
 * @param {object} scenario
 * @param {object} results of `run`
 * @param {{ threads: number, rounds: number }} settings
 * @returns {string}
 */
export function report(scenario, results, settings) {
  const columns = typeof scenario.columns === 'function' ? scenario.columns(settings) : scenario.columns
  const parts = [`## ${scenario.title}`]
  const { limits, ...contestants } = results
  if (Object.keys(contestants).length > 0) {
    parts.push(table(['', ...columns.map(heading)], rows(contestants, columns)))
  }
  if (limits !== undefined) {
    const lines = scenario.limitColumns.map((column) => [
      column.title,
      `${shown(limits[column.figure])} ${column.unit}`,
    ])
    parts.push(table(['limit of this machine', ''], lines))
  }
  const judged = goals(scenario, results, settings)
  if (judged.length > 0) parts.push(table(['goal', 'measured', 'goal is', 'met'], judged))
  parts.push(`${settings.rounds} rounds: median (lowest..highest).`)
  return parts.join('\n\n')
}

/** Median and, in brackets, the lowest and the highest round. */
function shown(summary) {
  if (summary === undefined) return '-'
  const { median, min, max } = summary
  return `${figure(median)} (${figure(min)}..${figure(max)})`
}

function heading({ title, unit }) {
  return `${title} [${unit}]`
}

function rows(contestants, columns) {
  return Object.entries(contestants).map(([name, figures]) => [
    name,
    ...columns.map((column) => shown(figures[column.figure])),
  ])
}

function goals(scenario, results, settings) {
  const judged = []
  for (const { what, of, atMost, atLeast } of scenario.goals ?? []) {
    const value = of(look(results), settings)
    // Someone whom the goal is about was not measured.
    if (!Number.isFinite(value)) continue
    const met = atMost === undefined ? value >= atLeast : value <= atMost
    const goal = atMost === undefined ? `>= ${figure(atLeast)}` : `<= ${figure(atMost)}`
    judged.push([what, figure(value), goal, met ? 'yes' : 'NO'])
  }
  return judged
}

/** What goals are made of: medians of ours, of the limits and of the best of all others. */
function look(results) {
  const median = (contestant, name) => results[contestant]?.[name]?.median ?? NaN
  const peers = Object.keys(results).filter((name) => !name.startsWith('heavy-load') && name !== 'limits')
  return {
    ours: (name) => median('heavy-load', name),
    limit: (name) => median('limits', name),
    bestPeer: (name, best = Math.min) => {
      const medians = peers.map((peer) => median(peer, name)).filter(Number.isFinite)
      return medians.length > 0 ? best(...medians) : NaN
    },
  }
}
