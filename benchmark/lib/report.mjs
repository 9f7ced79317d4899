// A scenario's results as Markdown.
import { figure, table } from '../../tools/table.mjs'
import { columnsOf, limitColumnsOf } from './columns.mjs'

/**
 * @param {object} scenario
 * @param {object} results of `run`
 * @param {{ threads: number, rounds: number, seconds: number }} settings
 * @returns {string}
 */
export function report(scenario, results, settings) {
  const columns = columnsOf(scenario, settings)
  const parts = [`## ${scenario.title}`]
  const { limits, ...contestants } = results
  if (Object.keys(contestants).length > 0) {
    parts.push(table(['', ...columns.map(heading)], rows(contestants, columns, limits)))
  }
  if (limits !== undefined) parts.push(limitTable(limits, limitColumnsOf(scenario, settings), columns))
  const judged = goals(scenario, results, settings)
  if (judged.length > 0) parts.push(table(['goal', 'measured', 'goal is', 'met'], judged))
  const rounds = `${settings.rounds} round${settings.rounds > 1 ? 's' : ''}`
  parts.push(`${rounds}: median (lowest..highest). Took ${Math.round(settings.seconds)} s.`)
  return parts.join('\n\n')
}

/** Median and, in brackets, the lowest and the highest round. */
function shown(summary) {
  if (summary === undefined) return '-'
  const { median, min, max } = summary
  return `${figure(median)} (${figure(min)}..${figure(max)})`
}

/** The median against the machine's own: so many times what something costs at least, or percent of what can be had at most. */
function share({ limit, better }, summary, limits) {
  const ratio = summary?.median / limits?.[limit]?.median
  if (!Number.isFinite(ratio)) return ''
  return better === 'more' ? ` = ${figure(100 * ratio)} % of limit` : ` = ${figure(ratio)}x limit`
}

function heading({ title, unit }) {
  return `${title} [${unit}]`
}

function rows(contestants, columns, limits) {
  return Object.entries(contestants).map(([name, figures]) => [
    name,
    ...columns.map((column) => shown(figures[column.figure]) + share(column, figures[column.figure], limits)),
  ])
}

function limitTable(limits, limitColumns, columns) {
  const lines = limitColumns.map(({ figure: name, title, unit }) => {
    const limited = columns.filter(({ limit }) => limit === name).map((column) => column.title)
    return [title, `${shown(limits[name])} ${unit}`, limited.join('; ') || '-']
  })
  return table(['limit of this machine', '', 'limit of'], lines)
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

/** What goals are made of: medians of ours, in all its forms, of the limits and of the best of all others, or of some. */
function look(results) {
  const median = (contestant, name) => results[contestant]?.[name]?.median ?? NaN
  const peers = Object.keys(results).filter((name) => !name.startsWith('heavy-load') && name !== 'limits')
  return {
    ours: (name, form = 'heavy-load') => median(form, name),
    limit: (name) => median('limits', name),
    bestPeer: (name, best = Math.min, among = peers) => {
      const medians = among.map((peer) => median(peer, name)).filter(Number.isFinite)
      return medians.length > 0 ? best(...medians) : NaN
    },
  }
}
