// Makes the corpus: the same small workbook in every form that SheetJS writes.
//
//   node packs/data/corpus/make.mjs
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import xlsx from 'xlsx'

const { utils, write } = xlsx

const first = utils.aoa_to_sheet([
  ['id', 'name', 'price', 'on', 'since', 'seen', 'note'],
  [1, 'plain', 1.5, true, days(2024, 1, 31), days(2024, 1, 31, 6, 30), 'a, "b"'],
  [2, 'Grüße €', -0.1, false, days(1999, 12, 31), days(2000, 2, 29, 23, 59, 59), 'two\nlines'],
  [3, ' spaces ', 123456789.125, true, days(1970, 1, 1), days(1970, 1, 2, 12), null],
  [],
  [4, '<&>', 1e-7, null, null, null, '𝄞'],
  [5, 'plain', 2e15, false, days(9999, 12, 31), null, ''],
])
for (let row = 1; row < 8; row++) {
  format(first, `E${row + 1}`, 'yyyy-mm-dd')
  format(first, `F${row + 1}`, 'yyyy-mm-dd hh:mm:ss')
}
first.C7.f = '2*1E15'
first.B7.f = '"pla"&"in"'
first.D6 = { t: 'e', v: 0x07 }
const second = utils.aoa_to_sheet([['k'], ['v'], ['w']])
const sparse = utils.aoa_to_sheet([])
sparse.C3 = { t: 's', v: 'far' }
sparse.Z3 = { t: 's', v: 'away' }
sparse.C900 = { t: 'n', v: 7 }
sparse['!ref'] = 'C3:Z900'

const workbook = utils.book_new()
utils.book_append_sheet(workbook, first, 'First')
utils.book_append_sheet(workbook, second, 'Second & last')
utils.book_append_sheet(workbook, sparse, 'Sparse')

for (const [name, options] of Object.entries({
  'table.xlsx': { bookType: 'xlsx', bookSST: true, compression: true },
  'inline.xlsx': { bookType: 'xlsx', bookSST: false, compression: false },
  'table.ods': { bookType: 'ods', compression: true },
  'table.xls': { bookType: 'biff8', bookSST: true },
  'old.xls': { bookType: 'biff5' },
})) {
  writeFileSync(join(import.meta.dirname, name), write(workbook, { ...options, type: 'buffer' }))
}

/** A date as the number of days that a spreadsheet has for it. */
function days(year, month, day, ...time) {
  return Date.UTC(year, month - 1, day, ...time) / 86_400_000 + 25_569
}

function format(sheet, cell, z) {
  if (sheet[cell]?.t === 'n') sheet[cell].z = z
}
