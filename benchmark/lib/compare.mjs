// Compares two files of results and names what moved by more than the noise.
import { figure, table } from './table.mjs'

/** Below this a difference is not worth a line, however quiet the rounds were. */
const LEAST_CHANGE = 0.05

/**
 * A figure has moved if the ranges of its rounds do not even touch, and the medians differ by more than LEAST_CHANGE.
 * @returns {string}
 */
export function compare(before, after) {
  if (before === undefined || after === undefined) throw new Error('--compare takes two files of results')
  const rows = []
  for (const [scenario, contestants] of Object.entries(after.results)) {
    for (const [contestant, figures] of Object.entries(contestants)) {
      for (const [name, now] of Object.entries(figures)) {
        const then = before.results[scenario]?.[contestant]?.[name]
        if (then === undefined || !moved(then, now)) continue
        const change = `${now.median > then.median ? '+' : ''}${Math.round((now.median / then.median - 1) * 100)} %`
        rows.push([`${scenario}: ${contestant}: ${name}`, figure(then.median), figure(now.median), change])
      }
    }
  }
  const machines = before.machine.cpu === after.machine.cpu ? [] : ['The two files come from different machines.']
  const moves =
    rows.length > 0 ? table(['moved', 'before', 'after', 'change'], rows) : 'Nothing moved by more than the noise.'
  return [...machines, moves].join('\n\n')
}

function moved(then, now) {
  const apart = now.min > then.max || now.max < then.min
  return apart && Math.abs(now.median / then.median - 1) > LEAST_CHANGE
}
