// The comparison's figures as one SVG, a panel for each figure.
import { picture as draw } from '../../../tools/picture.mjs'
import { OURS } from '../lib/strategies.mjs'

const PANELS = [
  { key: 'p99', title: '/fast p99 [ms], logarithmic: shorter is better', from: 0.1 },
  { key: 'heavy', title: 'heavy a second: longer is better' },
  { key: 'memory', title: 'peak memory [MiB]: shorter is better' },
]

/** @param {Record<string, any>[]} rows */
export function picture(rows) {
  const panels = PANELS.map(({ key, title, from }) => {
    const bars = rows.map((row) => ({ name: row.name, value: row[key], kind: OURS.has(row.name) ? 'ours' : 'other' }))
    return { title, from, bars }
  })
  return draw('Every strategy under the same load', panels)
}
