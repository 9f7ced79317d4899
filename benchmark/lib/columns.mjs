// A scenario's columns. Each is a figure that `measure` or `limits` returns:
//
//   figure   its name
//   title    what it is, for people
//   unit
//   limit    the figure of `limits` that no pool can beat, in the same unit: the report gives the share of it
//   better   'less' (the default), 'more', or 'neither'
//   picture  'linear' or 'logarithmic': a panel in the scenario's picture

/** Some scenarios have a column for each number of threads. */
export function columnsOf({ columns }, settings) {
  return typeof columns === 'function' ? columns(settings) : columns
}

export function limitColumnsOf({ limitColumns = [] }, settings) {
  return typeof limitColumns === 'function' ? limitColumns(settings) : limitColumns
}
