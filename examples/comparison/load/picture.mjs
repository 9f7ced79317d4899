// The comparison's figures as one SVG: horizontal bars, a panel for each figure.

const PANELS = [
  { key: 'p99', title: '/fast p99 [ms], logarithmic: shorter is better', logarithmic: true },
  { key: 'heavy', title: 'heavy a second: longer is better' },
  { key: 'memory', title: 'peak memory [MiB]: shorter is better' },
]
const OURS = new Set(['sync', 'libuv', 'rayon', 'shared'])
const WIDTH = 720
const LABEL = 150
const FIGURE = 60
const ROW = 22
const GAP = 40

/** @param {Record<string, any>[]} rows */
export function picture(rows) {
  const panel = GAP + ROW * rows.length
  const height = PANELS.length * panel + 16
  const parts = PANELS.map(({ key, title, logarithmic }, number) => {
    const top = number * panel
    const values = rows.map((row) => (Number.isFinite(row[key]) ? row[key] : 0))
    // Logarithms of values below one would be negative: a tenth is where they begin.
    const scale = (value) => (logarithmic ? Math.max(0, Math.log10(value / 0.1)) : value)
    const most = Math.max(...values.map(scale), Number.EPSILON)
    const bars = rows.map(({ name }, row) => {
      const y = top + GAP + ROW * row
      const width = ((WIDTH - LABEL - FIGURE) * scale(values[row])) / most
      const value = values[row] >= 100 ? values[row].toFixed(0) : values[row].toPrecision(3)
      return `  <text x="${LABEL - 8}" y="${y + 14}" text-anchor="end">${name}</text>
  <rect x="${LABEL}" y="${y + 3}" width="${width.toFixed(1)}" height="${ROW - 6}" rx="2" class="${OURS.has(name) ? 'ours' : 'other'}"/>
  <text x="${(LABEL + width + 6).toFixed(1)}" y="${y + 14}">${value}</text>`
    })
    return [`  <text x="8" y="${top + 26}" class="title">${title}</text>`, ...bars].join('\n')
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img"
  aria-label="Every strategy under the same load">
  <style>
    rect.background { fill: #fff } text { font: 12px system-ui, sans-serif; fill: #333 } text.title { font-weight: 600 }
    rect.ours { fill: #b7410e } rect.other { fill: #8a9ba8 }
    @media (prefers-color-scheme: dark) { rect.background { fill: #16181c } text { fill: #ddd } rect.other { fill: #5c6b77 } rect.ours { fill: #e2703a } }
  </style>
  <rect class="background" width="100%" height="100%"/>
${parts.join('\n')}
</svg>
`
}
