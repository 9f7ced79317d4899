// What of a scenario's results is worth a picture: the columns that ask for one.

/**
 * @param {object} results of `run`
 * @param {object[]} columns
 * @returns {{ title: string, from?: number, bars: object[] }[]} for `picture`
 */
export function panels({ limits, ...contestants }, columns) {
  return columns
    .filter((column) => column.picture !== undefined)
    .map((column) => {
      const bars = Object.entries(contestants).map(([name, figures]) =>
        bar(name, figures[column.figure], name.startsWith('heavy-load') ? 'ours' : 'other'),
      )
      if (column.limit !== undefined) bars.push(bar('limit', limits?.[column.limit], 'limit'))
      const measured = bars.filter(({ value }) => Number.isFinite(value))
      const from = column.picture === 'logarithmic' ? powerOfTenBelow(measured.map(({ value }) => value)) : undefined
      return { title: title(column, from), from, bars: measured }
    })
    .filter(({ bars }) => bars.length > 0)
}

function bar(name, summary, kind) {
  return { name, value: summary?.median, kind }
}

function title({ title, unit, better = 'less' }, from) {
  const scale = from === undefined ? '' : `, logarithmic from ${from}`
  const reading = { less: ': shorter is better', more: ': longer is better', neither: '' }[better]
  return `${title} [${unit}]${scale}${reading}`
}

/** Strictly below, so that the shortest bar can be seen. */
function powerOfTenBelow(values) {
  const positive = values.filter((value) => value > 0)
  return positive.length > 0 ? 10 ** (Math.ceil(Math.log10(Math.min(...positive))) - 1) : 1
}
