// Compares two files of results and names what moved by more than the noise.
import { figure, table } from '../../tools/table.mjs'
import { columnsOf } from './columns.mjs'

/** Below this a difference is not worth a line, however quiet the rounds were. */
const LEAST_CHANGE = 0.05

/**
 * A figure has moved if the ranges of its rounds do not even touch, and the medians differ by more than LEAST_CHANGE.
 * @param {object} before
 * @param {object} after
 * @param {Record<string, object>} scenarios by name: their columns know which way is better
 * @returns {{ text: string, worse: boolean }} `worse`: a figure of ours is
 */
export function compare(before, after, scenarios) {
  const rows = []
  let worse = false
  for (const [scenario, contestants] of Object.entries(after.results)) {
    const columns = scenarios[scenario] === undefined ? [] : columnsOf(scenarios[scenario], after)
    for (const [contestant, figures] of Object.entries(contestants)) {
      for (const [name, now] of Object.entries(figures)) {
        const then = before.results[scenario]?.[contestant]?.[name]
        if (then === undefined || !moved(then, now)) continue
        const column = columns.find((column) => column.figure === name)
        const verdict = judge(contestant, column, then, now)
        worse ||= verdict === 'WORSE' && contestant.startsWith('heavy-load')
        rows.push([
          `${scenario}: ${contestant}: ${column?.title ?? name}`,
          figure(then.median),
          figure(now.median),
          change(then, now),
          verdict,
        ])
      }
    }
  }
  const moves =
    rows.length > 0
      ? table(['moved', 'before', 'after', 'change', 'that is'], rows)
      : 'Nothing moved by more than the noise.'
  return { text: [...doubts(before, after), moves].join('\n\n'), worse }
}

function moved(then, now) {
  const apart = now.min > then.max || now.max < then.min
  return apart && Math.abs(now.median - then.median) > LEAST_CHANGE * Math.abs(then.median)
}

function change(then, now) {
  if (then.median === 0) return 'from 0'
  return `${now.median > then.median ? '+' : ''}${Math.round((now.median / then.median - 1) * 100)} %`
}

/** Limits have no pool in them: what moves them moves everything. */
function judge(contestant, column, then, now) {
  if (contestant === 'limits') return 'the machine'
  const better = column === undefined ? 'neither' : (column.better ?? 'less')
  if (better === 'neither') return '-'
  return now.median > then.median === (better === 'more') ? 'better' : 'WORSE'
}

/** Why the two may not be comparable at all. */
function doubts(before, after) {
  const differ = (what, a, b) => (a === b ? [] : [`The two files differ in ${what}: ${a} and ${b}.`])
  return [
    ...differ('their machines', before.machine.cpu, after.machine.cpu),
    ...differ('their cores', before.machine.cores, after.machine.cores),
    ...differ('their versions of Node', before.machine.node, after.machine.node),
    ...differ('--threads', before.threads, after.threads),
    ...differ('--quick', before.quick, after.quick),
  ]
}
