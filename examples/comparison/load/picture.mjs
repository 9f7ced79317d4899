// The comparison's figures as one SVG, a panel for each figure of each job.
import { picture as draw } from '../../../tools/picture.mjs'
import { OURS } from '../lib/strategies.mjs'

const PANELS = [
  { key: 'p99', title: '/fast p99 [ms], logarithmic: shorter is better', from: 0.1 },
  { key: 'heavy', title: 'heavy a second: longer is better' },
  { key: 'memory', title: 'peak memory [MiB]: shorter is better' },
]

/** @param {{ job: { title: string }, rows: Record<string, any>[] }[]} parts */
export function picture(parts) {
  const panels = parts.flatMap(({ job, rows }) => PANELS.map((panel) => panelOf(job, rows, panel)))
  return draw('Every strategy under the same load', panels)
}

function panelOf(job, rows, { key, title, from }) {
  const bars = rows.map((row) => ({ name: row.name, value: row[key], kind: OURS.has(row.name) ? 'ours' : 'other' }))
  return { title: `${job.title}: ${title}`, from, bars }
}
