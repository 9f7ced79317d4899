// convertTable of heavy-load/data beside SheetJS and csv-parse: 100,000 rows of ten columns.
//
//   npm run setup -- --packs && node benchmark/kernels/tables.mjs
import assert from 'node:assert/strict'
import { parse } from 'csv-parse/sync'
import xlsx from 'xlsx'
import { race } from './race.mjs'

process.env.HEAVY_LOAD_THREADS = '2'
const { Pool } = await import('heavy-load')
const { convertTable } = await import('heavy-load/data')

const { utils } = xlsx
const count = 100_000
const pool = new Pool({ threads: 2, niceness: 0 })
const header = ['id', 'name', 'price', 'on', 'since', 'city', 'note', 'quantity', 'total', 'code']
const rows = Array.from({ length: count }, (_, at) => [
  at,
  `name ${at % 5000}`,
  at / 4,
  at % 2 === 0,
  40_000 + (at % 5000),
  `city ${at % 300}`,
  at % 7 === 0 ? 'a, "quoted" note' : 'a plain note',
  at % 100,
  at / 8,
  `C${at}`,
])
const book = utils.book_new()
utils.book_append_sheet(book, utils.aoa_to_sheet([header, ...rows]), 'Rows')
const file = (bookType) => xlsx.write(book, { type: 'buffer', bookType, compression: true, bookSST: true })

const sheet = file('xlsx')
const csv = await convertTable(sheet, { from: 'xlsx', to: 'csv' })
const oneThread = { pool, maxThreads: 1 }

await race(
  `${count} rows of xlsx (${mib(sheet)}) to csv (${mib(csv)})`,
  {
    'heavy-load': () => convertTable(sheet, { from: 'xlsx', to: 'csv', ...oneThread }),
    SheetJS: async () => utils.sheet_to_csv(xlsx.read(sheet, { dense: true }).Sheets.Rows),
  },
  { rounds: 5, check: (result) => assert.equal(result.toString().trim(), csv.toString().trim()) },
)

await race(
  `${count} rows of xlsx to JSON`,
  {
    'heavy-load': () => convertTable(sheet, { from: 'xlsx', to: 'json', ...oneThread }),
    SheetJS: async () => JSON.stringify(utils.sheet_to_json(xlsx.read(sheet, { dense: true }).Sheets.Rows)),
  },
  { rounds: 5, check: (result) => assert.equal(JSON.parse(result).length, count) },
)

const objects = parse(csv, { columns: true })
await race(
  `${count} rows of csv (${mib(csv)}) to JSON`,
  {
    'heavy-load': () => convertTable(csv, { from: 'csv', to: 'json', ...oneThread }),
    'csv-parse': async () => JSON.stringify(parse(csv, { columns: true })),
  },
  { check: (result) => assert.deepEqual(JSON.parse(result), objects) },
)

for (const [from, bookType] of [
  ['xls', 'biff8'],
  ['ods', 'ods'],
]) {
  // As many rows as xls may have.
  const part = utils.book_new()
  utils.book_append_sheet(part, utils.aoa_to_sheet([header, ...rows.slice(0, 50_000)]), 'Rows')
  const data = xlsx.write(part, { type: 'buffer', bookType, compression: true, bookSST: true })
  await race(
    `50000 rows of ${from} (${mib(data)}) to csv`,
    {
      'heavy-load': () => convertTable(data, { from, to: 'csv', ...oneThread }),
      SheetJS: async () => utils.sheet_to_csv(xlsx.read(data).Sheets.Rows),
    },
    { rounds: 3, check: (result) => assert.equal(result.toString().trim().split('\n').length, 50_001) },
  )
}
await pool.close()

function mib(bytes) {
  return `${(bytes.length / 2 ** 20).toFixed(1)} MiB`
}
