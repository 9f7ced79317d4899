// The table of each strategy's last result, by job. It outlives a reload, in localStorage; a link has all of it behind its '#', so that others see it on their own page.

import { formatAmount } from './amount.mjs'
import { byJob } from './strategies.mjs'

const KEY = 'heavy-load-comparison'
const HASH = '#results='
const table = document.querySelector('#results')
const share = document.querySelector('#share')

/** The columns in which one can be best: how to read it, which way is better, how to write it. */
const measures = [
  { of: (result) => result.perSecond, better: Math.max, write: (value) => value.toPrecision(3) },
  { of: (result) => result.fast.p50, better: Math.min, write: ms },
  { of: (result) => result.fast.p99, better: Math.min, write: ms },
  { of: (result) => result.fast.max, better: Math.min, write: ms },
  { of: (result) => result.peakMiB, better: Math.min, write: (value) => `${Math.round(value)} MiB` },
]

/** Strategy, load, done, and what is measured. */
const COLUMNS = 3 + measures.length

/** In the order of `strategies`; results of those that are there no more are left out. */
export function createResults(strategies) {
  let results = shared() ?? load()
  show()
  // The link was followed on the page itself.
  addEventListener('hashchange', () => {
    results = shared() ?? results
    show()
  })

  function show() {
    const known = results.filter((result) => strategies.some(({ name }) => name === result.strategy))
    share.hidden = known.length === 0
    share.href = HASH + encodeURIComponent(JSON.stringify(known))
    for (const body of [...table.tBodies]) body.remove()
    const bodies = byJob(strategies).map(({ job, strategies }) => bodyOf(job, strategies, known))
    table.append(...(known.length === 0 ? [bodyWith(emptyRow())] : bodies.filter((body) => body !== null)))
  }

  return {
    add(result) {
      results = [...results.filter(({ strategy }) => strategy !== result.strategy), result]
      save(results)
      show()
    },
    forget() {
      results = []
      history.replaceState(null, '', location.pathname)
      save(results)
      show()
    },
  }
}

/** The results of one job; null if there are none. */
function bodyOf(job, strategies, known) {
  const isOfJob = (result) => strategies.some(({ name }) => name === result.strategy)
  const last = known.findLast(isOfJob)
  if (last === undefined) return null
  const results = strategies.flatMap(({ name }) => known.filter(({ strategy }) => strategy === name))
  // A run that was cut short does not compete.
  const alike = results.filter(
    ({ count, amount, done }) => count === last.count && amount === last.amount && done === count,
  )
  const best = measures.map(({ of, better }) => better(...alike.map(of).filter((value) => value !== null)))
  return bodyWith(jobRow(job), ...results.map((result) => row(result, alike, best)))
}

function bodyWith(...rows) {
  const body = document.createElement('tbody')
  body.append(...rows)
  return body
}

function jobRow({ title, unit }) {
  const row = document.createElement('tr')
  const name = document.createElement('th')
  name.scope = 'rowgroup'
  name.colSpan = COLUMNS
  name.textContent = `${title}, in ${unit}`
  row.append(name)
  return row
}

function row(result, alike, best) {
  const row = document.createElement('tr')
  row.dataset.strategy = result.strategy
  const name = document.createElement('th')
  name.scope = 'row'
  name.textContent = result.strategy
  const load = `${result.count} × ${formatAmount(result.amount)}`
  row.append(name, cell(load), cell(`${result.done} of ${result.count}`))
  measures.forEach(({ of, write }, i) => {
    const value = of(result)
    // Of several, that is.
    const isBest = alike.length > 1 && alike.includes(result) && value === best[i]
    row.append(cell(value === null ? '–' : `${isBest ? '★ ' : ''}${write(value)}`, isBest ? 'best' : ''))
  })
  return row
}

function cell(text, className = '') {
  const cell = document.createElement('td')
  cell.textContent = text
  cell.className = className
  return cell
}

function emptyRow() {
  const row = document.createElement('tr')
  const only = cell('No results yet.', 'empty')
  only.colSpan = COLUMNS
  row.append(only)
  return row
}

export function ms(value) {
  if (value >= 1000) return `${(value / 1000).toFixed(2)} s`
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`
}

/** Storage may be forbidden, or hold what an older page wrote: then the table is new. */
function load() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '[]').filter(isResult)
  } catch {
    return []
  }
}

/** The results of the link that was followed, if it is one. Somebody else has written it: what is no result is left out. */
function shared() {
  if (!location.hash.startsWith(HASH)) return null
  try {
    return JSON.parse(decodeURIComponent(location.hash.slice(HASH.length))).filter(isResult)
  } catch {
    return null
  }
}

function isResult(result) {
  const { strategy, amount, count, done, perSecond, fast, peakMiB } = result ?? {}
  const isMeasured = (value) => value === null || Number.isFinite(value)
  return (
    typeof strategy === 'string' &&
    [amount, count, done, perSecond].every(Number.isFinite) &&
    [fast?.p50, fast?.p99, fast?.max, peakMiB].every(isMeasured)
  )
}

function save(results) {
  try {
    localStorage.setItem(KEY, JSON.stringify(results))
  } catch {
    // Forbidden, or full: the table lasts as long as the page.
  }
}
