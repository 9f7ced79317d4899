// convertTable beside SheetJS and csv-parse, in every form; limits, what is broken, and that it stops.
import test from 'ava'
import { parse } from 'csv-parse/sync'
import { freeze } from 'heavy-load'
import { convertTable, convertTableAsync, convertTableSync } from 'heavy-load/data'
import xlsx from 'xlsx'
import { errorOf } from '../../../__test__/helpers/errors.mjs'
import { idle, openPool } from '../../../__test__/helpers/pool.mjs'
import { until } from '../../../__test__/helpers/turns.mjs'

const { utils } = xlsx
const MIB = 2 ** 20

/** A workbook's bytes, of sheets by their names. */
function workbook(sheets, options) {
  const book = utils.book_new()
  for (const [name, rows] of Object.entries(sheets)) utils.book_append_sheet(book, utils.aoa_to_sheet(rows), name)
  return xlsx.write(book, { type: 'buffer', compression: true, ...options })
}

/** Rows with something of everything. */
function someRows(count) {
  const rows = [['id', 'name', 'price', 'on', 'note']]
  for (let at = 0; at < count; at++) {
    const note = [null, 'a, "b"', 'two\nlines', 'Grüße € 𝄞', '<&>'][at % 5]
    rows.push([at, `name ${at % 100}`, at / 8, at % 2 === 0, note])
  }
  return rows
}

/** What the rows are as JSON. */
function objects([header, ...rows]) {
  return rows.map((row) => Object.fromEntries(header.map((name, at) => [name, row[at] ?? null])))
}

/** The rows as csv. */
function csvOf(rows) {
  const quoted = (value) => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)
  return Buffer.from(rows.map((row) => `${row.map((value) => quoted(String(value ?? ''))).join(',')}\n`).join(''))
}

const lines = (text) => text.toString().trim().split('\n')
const rows = someRows(5000)
const files = {
  xlsx: [workbook({ S: rows }, { bookType: 'xlsx', bookSST: true }), workbook({ S: rows }, { bookType: 'xlsx' })],
  xls: [workbook({ S: rows }, { bookType: 'biff8' })],
  ods: [workbook({ S: rows }, { bookType: 'ods' })],
}

for (const [from, all] of Object.entries(files)) {
  test(`${from}: the cells that SheetJS has written, and as it reads them`, async (t) => {
    for (const file of all) {
      const [csv, json, ndjson] = await Promise.all(
        ['csv', 'json', 'ndjson'].map((to) => convertTable(file, { from, to })),
      )
      t.true(Buffer.isBuffer(csv))
      t.deepEqual(JSON.parse(json), objects(rows))
      t.deepEqual(
        lines(ndjson).map((line) => JSON.parse(line)),
        objects(rows),
      )
      const theirs = utils.sheet_to_csv(xlsx.read(file).Sheets.S).trim()
      t.true(csv.toString().trim() === theirs)
    }
  })
}

test('csv: the fields that csv-parse reads', async (t) => {
  const csv = csvOf(rows)
  for (const data of [
    csv,
    Buffer.concat([Buffer.from('\ufeff'), csv]),
    Buffer.from(csv.toString().replaceAll('\n', '\r\n')),
  ]) {
    const json = await convertTable(data, { from: 'csv', to: 'json' })
    t.deepEqual(JSON.parse(json), parse(data, { columns: true, bom: true }))
  }
  const tsv = await convertTable(csv, { from: 'csv', to: 'csv', delimiter: ',' })
  t.true(tsv.equals(csv))
  t.is(
    (await convertTable(Buffer.from('a\tb\n1;2\t\n'), { from: 'tsv', to: 'csv', delimiter: ';' })).toString(),
    'a;b\n"1;2";\n',
  )
})

test('every form and hand-over gives the same', async (t) => {
  for (const [from, data] of [['csv', csvOf(rows)], ...Object.entries(files).map(([from, [file]]) => [from, file])]) {
    const options = { from, to: 'json' }
    const expected = convertTableSync(data, options)
    const shared = new Uint8Array(new SharedArrayBuffer(data.length))
    shared.set(data)
    for (const result of [
      await convertTableAsync(data, options),
      await convertTable(freeze(new Uint8Array(data)), options),
      await convertTable(shared, options),
      await convertTable(new Uint8Array(data), { ...options, transfer: true }),
    ]) {
      t.true(expected.equals(result), from)
    }
  }
})

test('sheets by name and by number', async (t) => {
  const sheets = { One: [['a'], [1]], 'Zwei & drei': [['b'], [2]] }
  for (const [from, bookType] of [
    ['xlsx', 'xlsx'],
    ['xls', 'biff8'],
    ['ods', 'ods'],
  ]) {
    const file = workbook(sheets, { bookType })
    const of = async (sheet) => JSON.parse(await convertTable(file, { from, to: 'json', sheet }))
    t.deepEqual(await of(undefined), [{ a: 1 }])
    t.deepEqual(await of(0), [{ a: 1 }])
    t.deepEqual(await of(1), [{ b: 2 }])
    t.deepEqual(await of('Zwei & drei'), [{ b: 2 }])
    t.is((await errorOf(of(2))).code, 'ERR_INVALID_DATA')
    t.regex((await errorOf(of('Three'))).message, /no sheet that is called 'Three'/)
  }
})

test('dates are ISO 8601', async (t) => {
  const sheet = utils.aoa_to_sheet([['date', 'time', 'both', 'long']])
  const days = Date.UTC(2024, 0, 31) / 86_400_000 + 25_569
  for (const [cell, v, z] of [
    ['A2', days, 'yyyy-mm-dd'],
    ['B2', 0.25, 'hh:mm'],
    ['C2', days + 0.5, 'd.m.yy h:mm'],
    ['D2', 1.5, '[h]:mm'],
  ]) {
    sheet[cell] = { t: 'n', v, z }
  }
  sheet['!ref'] = 'A1:D2'
  const expected = [{ date: '2024-01-31', time: '06:00:00', both: '2024-01-31T12:00:00', long: 'PT36H0M0S' }]
  for (const [from, bookType] of [
    ['xlsx', 'xlsx'],
    ['xls', 'biff8'],
  ]) {
    const book = { SheetNames: ['S'], Sheets: { S: sheet } }
    const file = xlsx.write(book, { type: 'buffer', bookType, cellStyles: true })
    t.deepEqual(JSON.parse(await convertTable(file, { from, to: 'json' })), expected)
  }
})

test('headers: empty names, equal names', async (t) => {
  const data = Buffer.from('a,,a\n1,2,3\n4\n')
  t.deepEqual(JSON.parse(await convertTable(data, { from: 'csv', to: 'json' })), [
    { a: '1', column_2: '2', a_2: '3' },
    { a: '4', column_2: null, a_2: null },
  ])
  t.is((await convertTable(data, { from: 'csv', to: 'csv' })).toString(), 'a,,a\n1,2,3\n4,,\n')
})

test('what is wrong is said', async (t) => {
  const good = { from: 'csv', to: 'json' }
  const data = Buffer.from('a,b\n1,2\n')
  for (const [input, options, code, message = /./] of [
    ['a,b', good, 'ERR_INVALID_ARG_TYPE'],
    [data, { from: 'csv' }, 'ERR_INVALID_ARG_TYPE'],
    [data, { to: 'csv' }, 'ERR_INVALID_ARG_TYPE'],
    [data, { ...good, from: 'xlsb' }, 'ERR_INVALID_ARG_VALUE'],
    [data, { ...good, to: 'xlsx' }, 'ERR_INVALID_ARG_VALUE'],
    [data, { ...good, delimiter: ';;' }, 'ERR_INVALID_ARG_VALUE'],
    [data, { ...good, delimiter: 7 }, 'ERR_INVALID_ARG_TYPE'],
    [data, { ...good, sheet: -1 }, 'ERR_OUT_OF_RANGE'],
    [data, { ...good, sheet: true }, 'ERR_INVALID_ARG_TYPE'],
    [data, { ...good, maxOutputLength: 0.5 }, 'ERR_OUT_OF_RANGE'],
    [data, { ...good, maxOutputLength: 10 }, 'ERR_OUTPUT_TOO_LARGE'],
    [Buffer.from('a\n1\n2,3\n'), good, 'ERR_INVALID_DATA', /Row 3 \(line 4\)/],
    [Buffer.from([97, 10, 0xff]), good, 'ERR_INVALID_DATA', /UTF-8, at byte 2/],
    [
      files.xlsx[0],
      { from: 'xlsx', to: 'csv', maxUnpackedLength: 10_000 },
      'ERR_OUTPUT_TOO_LARGE',
      /maxUnpackedLength/,
    ],
    [files.xlsx[0], { from: 'xls', to: 'csv' }, 'ERR_INVALID_DATA'],
    [files.xls[0], { from: 'xlsx', to: 'csv' }, 'ERR_INVALID_DATA'],
    [files.xlsx[0], { from: 'ods', to: 'csv' }, 'ERR_INVALID_DATA'],
    [files.xlsx[0].subarray(0, -500), { from: 'xlsx', to: 'csv' }, 'ERR_INVALID_DATA'],
    [files.ods[0], { from: 'csv', to: 'csv' }, 'ERR_INVALID_DATA'],
  ]) {
    const error = await errorOf(convertTable(input, options))
    t.is(error.code, code, `${error.message}`)
    t.regex(error.message, message)
  }
})

test('a cell far away is a row like any other', async (t) => {
  for (const [from, bookType, last] of [
    ['xlsx', 'xlsx', 'A1048576'],
    ['xls', 'biff8', 'A65536'],
  ]) {
    const far = { A1: { t: 's', v: 'a' }, [last]: { t: 'n', v: 1 }, '!ref': `A1:${last}` }
    const file = xlsx.write({ SheetNames: ['S'], Sheets: { S: far } }, { type: 'buffer', bookType })
    t.is((await convertTable(file, { from, to: 'csv' })).toString(), 'a\n1\n')
  }
})

const manyRows = someRows(60_000)
const large = {
  csv: Buffer.concat([csvOf(manyRows), ...Array.from({ length: 12 }, () => csvOf(manyRows.slice(1)))]),
  xlsx: workbook({ S: manyRows }, { bookType: 'xlsx', bookSST: true }),
  xls: workbook({ S: manyRows }, { bookType: 'biff8' }),
  ods: workbook({ S: manyRows.slice(0, 20_000) }, { bookType: 'ods' }),
}

for (const [from, data] of Object.entries(large)) {
  test.serial(`${from}: an abort while it runs frees the thread, and progress grows`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const controller = new AbortController()
    // Several, since one may end before this thread has its turn; without copies, during which they would.
    const frozen = freeze(new Uint8Array(data))
    const options = { from, to: 'json', pool, signal: controller.signal }
    const tasks = Array.from({ length: 20 }, () => convertTable(frozen, options))
    const settled = Promise.allSettled(tasks)
    await until(() => pool.stats().running > 0, 'a begin')
    controller.abort()
    const rejected = (await settled).filter(({ status }) => status === 'rejected')
    const codes = rejected.map(({ reason }) => reason.code)
    t.true(codes.length > 1 && codes.every((code) => code === 'ABORT_ERR'), `${codes}`)
    await idle(pool)
    t.is(pool.stats().memory, 0)
    const seen = []
    await convertTable(data, { from, to: 'json', pool, onProgress: (fraction) => seen.push(fraction) })
    // What is done between two looks at it is told once.
    t.is(seen.at(-1), 1)
    t.true(
      seen.every((fraction, at) => fraction >= (seen[at - 1] ?? 0) && fraction <= 1),
      `${seen}`,
    )
  })
}

test.serial('a pool begins no more than it has memory for', async (t) => {
  const pool = openPool(t, { threads: 2, maxMemory: 120 * MIB })
  let most = 0
  const watch = setInterval(() => {
    most = Math.max(most, pool.stats().memory)
  }, 1)
  const options = { from: 'csv', to: 'ndjson', pool, maxOutputLength: 70 * MIB }
  const results = await Promise.all(Array.from({ length: 4 }, () => convertTable(large.csv, options)))
  clearInterval(watch)
  t.true(results.every((result) => result.equals(results[0])))
  t.is(lines(results[0]).length, 780_000)
  t.true(most > 70 * MIB && most <= 120 * MIB, `${most}`)
})
