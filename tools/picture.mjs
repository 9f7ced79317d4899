// Figures as one SVG: horizontal bars, a panel for each figure. The same figures always give the same bytes.
import { figure } from './table.mjs'

const WIDTH = 720
const LABEL = 150
const FIGURE = 60
const ROW = 22
const GAP = 40
const MARGIN = 16

/**
 * @param {string} label what the picture shows, for those who cannot see it
 * @param {{ title: string, from?: number, bars: { name: string, value: number, kind: 'ours' | 'other' | 'limit' }[] }[]} panels
 *   `from`: a logarithmic scale that begins there
 * @returns {string}
 */
export function picture(label, panels) {
  let top = 0
  const parts = panels.map((panel) => {
    const part = drawn(panel, top)
    top += GAP + ROW * panel.bars.length
    return part
  })
  const height = top + MARGIN
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img"
  aria-label="${escaped(label)}">
  <style>
    rect.background { fill: #fff } text { font: 12px system-ui, sans-serif; fill: #333 } text.title { font-weight: 600 }
    rect.ours { fill: #b7410e } rect.other { fill: #8a9ba8 } rect.limit { fill: none; stroke: #8a9ba8; stroke-dasharray: 3 2 }
    @media (prefers-color-scheme: dark) { rect.background { fill: #16181c } text { fill: #ddd } rect.other { fill: #5c6b77 } rect.ours { fill: #e2703a } }
  </style>
  <rect class="background" width="100%" height="100%"/>
${parts.join('\n')}
</svg>
`
}

function drawn({ title, from, bars }, top) {
  const scale = (value) => (from === undefined ? value : Math.max(0, Math.log10(value / from)))
  const most = Math.max(...bars.map(({ value }) => scale(value)).filter(Number.isFinite), Number.EPSILON)
  const rows = bars.map(({ name, value, kind }, row) => {
    const y = top + GAP + ROW * row
    const lines = [`  <text x="${LABEL - 8}" y="${y + 14}" text-anchor="end">${escaped(name)}</text>`]
    // What was not measured has no bar: one of no length would say that it was nothing.
    const width = Number.isFinite(value) ? ((WIDTH - LABEL - FIGURE) * scale(value)) / most : 0
    if (Number.isFinite(value)) {
      lines.push(
        `  <rect x="${LABEL}" y="${y + 3}" width="${width.toFixed(1)}" height="${ROW - 6}" rx="2" class="${kind}"/>`,
      )
    }
    lines.push(`  <text x="${(LABEL + width + 6).toFixed(1)}" y="${y + 14}">${figure(value)}</text>`)
    return lines.join('\n')
  })
  return [`  <text x="8" y="${top + 26}" class="title">${escaped(title)}</text>`, ...rows].join('\n')
}

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function escaped(text) {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character])
}
