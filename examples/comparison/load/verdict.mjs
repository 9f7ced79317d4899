// Says where ours is ahead, and where it is not: within a job, for nothing else is alike.
import { figure } from '../../../tools/table.mjs'
import { OURS } from '../lib/strategies.mjs'

/** What is compared, and which is better. */
const MEASURES = [
  { title: '/fast p99 [ms]', key: 'p99', better: Math.min },
  { title: 'heavy a second', key: 'heavy', better: Math.max },
  { title: 'memory [MiB]', key: 'memory', better: Math.min },
]

/**
 * @param {string} name of ours
 * @param {Record<string, any>[]} rows of one job; those with `missing` were not measured
 * @returns {string} lines of a list
 */
export function verdict(name, rows) {
  const there = rows.filter(({ missing }) => !missing)
  const ours = there.find((row) => row.name === name)
  const others = there.filter((row) => !OURS.has(row.name))
  const lines = ours === undefined ? [] : MEASURES.flatMap((measure) => against(ours, others, measure))
  const leftOut = rows.filter(({ missing }) => missing).map(({ name, missing }) => `- ${name} was left out: ${missing}`)
  return [...lines, ...leftOut].join('\n')
}

/** No line where nobody else was measured. */
function against(ours, others, { title, key, better }) {
  const values = others.map((row) => row[key]).filter(Number.isFinite)
  if (values.length === 0) return []
  const best = better(...values)
  const { name } = others.find((row) => row[key] === best)
  const isAhead = better(ours[key], best) === ours[key]
  const how = isAhead ? 'ahead' : 'NOT ahead'
  return [`- ${title}: ${ours.name} ${figure(ours[key])}, best of the others ${figure(best)} (${name}): ${how}`]
}
