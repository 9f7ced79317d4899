// The last half minute in five charts, with the runs behind them as bands.

import { ms } from './results.mjs'
import uPlot from './vendor/uplot/uPlot.esm.js'

const WINDOW_S = 30

/** `least` is the top of an empty chart. A log scale cannot show 0: it begins at `from`. */
const kinds = {
  fast: { log: true, from: 1, least: 100, write: ms },
  delay: { log: true, from: 0.1, least: 100, write: ms },
  cpu: { least: 1, write: (value) => `${value.toFixed(1)} cores`, tick: (value) => `${value}` },
  memory: { least: 100, write: (value) => `${Math.round(value)} MiB` },
  threads: { least: 20, write: (value) => `${value}` },
}

const charts = Object.entries(kinds).map(([name, kind]) => createChart(name, kind))
const runs = []

/** Adds what was measured just now: a value for each chart named. null is a gap: it could not be measured. */
export function add(values) {
  for (const chart of charts) if (chart.name in values) chart.add(values[chart.name])
}

/** Shows `run` as a band for as long as it lasts. */
export function addRun(run) {
  runs.push(run)
  for (const { figure } of charts) figure.dataset.runs = Number(figure.dataset.runs ?? 0) + 1
}

// The window moves on also while nothing comes, as when the event loop is blocked.
setInterval(redraw, 250)
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw)

function redraw() {
  if (document.hidden) return
  const oldest = now() - WINDOW_S
  while (runs.length > 0 && runs[0].end / 1000 < oldest) runs.shift()
  for (const chart of charts) chart.draw(oldest)
}

function createChart(name, kind) {
  const figure = document.querySelector(`#chart-${name}`)
  const current = figure.querySelector('.now')
  const box = figure.querySelector('.plot')
  const times = []
  const values = []
  const plot = new uPlot(options(kind, size(box)), [times, values], box)
  new ResizeObserver(() => plot.setSize(size(box))).observe(box)
  return {
    name,
    figure,
    add(value) {
      times.push(now())
      values.push(kind.log && value !== null ? Math.max(kind.from, value) : value)
      current.textContent = value === null ? '–' : kind.write(value)
      // What the chart holds, for those who cannot see it, such as tests.
      figure.dataset.points = Number(figure.dataset.points ?? 0) + 1
      figure.dataset.last = value
    },
    draw(oldest) {
      // One point beyond the edge stays, so that the line comes in from there.
      const gone = times.findIndex((time) => time >= oldest) - 1
      if (gone > 0) for (const list of [times, values]) list.splice(0, gone)
      plot.setData([times, values])
    },
  }
}

function options({ log, from, least, write, tick = log ? tidy : write }, { width, height }) {
  return {
    width,
    height,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: () => [now() - WINDOW_S, now()] },
      y: log
        ? { distr: 3, range: (_plot, _min, max) => [from, 10 ** Math.ceil(Math.log10(Math.max(least, max ?? 0)))] }
        : { range: (_plot, _min, max) => [0, Math.max(least, (max ?? 0) * 1.15)] },
    },
    axes: [
      {
        ...axis(),
        size: 24,
        splits: (plot) => [30, 20, 10, 0].map((ago) => plot.scales.x.max - ago),
        values: () => ['', '20 s ago', '10 s ago', ''],
      },
      {
        ...axis(),
        size: 62,
        space: 30,
        // uPlot would thin them out by itself.
        ...(log ? { splits: powersOfTen, filter: (_plot, splits) => splits } : {}),
        values: (_plot, splits) => splits.map(tick),
      },
    ],
    series: [{}, { stroke: () => color('--line'), width: 1.5, fill: () => color('--area'), points: { show: false } }],
    hooks: { drawClear: [(plot) => drawRuns(plot, log)] },
  }
}

function axis() {
  return {
    stroke: () => color('--soft'),
    grid: { stroke: () => color('--grid'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  }
}

function powersOfTen(_plot, _axis, min, max) {
  const splits = []
  for (let value = min; value <= max * 1.001; value *= 10) splits.push(value)
  return splits
}

function tidy(value) {
  return value >= 1000 ? `${value / 1000} s` : `${Number(value.toPrecision(1))} ms`
}

/** With their names where there is room for them. */
function drawRuns(plot, isNamed) {
  const { ctx, bbox } = plot
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  ctx.textAlign = 'right'
  ctx.textBaseline = 'top'
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`
  for (const { start, end, strategy } of runs) {
    const left = plot.valToPos(start / 1000, 'x', true)
    const right = plot.valToPos(Math.min(end / 1000, now()), 'x', true)
    ctx.fillStyle = color('--band')
    ctx.fillRect(left, bbox.top, right - left, bbox.height)
    if (!isNamed) continue
    // Upright, along its edge: runs are short.
    ctx.save()
    ctx.translate(left + 2 * devicePixelRatio, bbox.top + 4 * devicePixelRatio)
    ctx.rotate(-Math.PI / 2)
    ctx.fillStyle = color('--soft')
    ctx.fillText(strategy.name, 0, 0)
    ctx.restore()
  }
  ctx.restore()
}

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name)
}

function size(box) {
  return { width: Math.max(50, box.clientWidth), height: box.clientHeight }
}

function now() {
  return performance.now() / 1000
}
