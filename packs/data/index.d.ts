// Generated from the pack's own table by `npm run generate`.

import type { AsyncOptions, Bytes, FrozenBuffer, SyncOptions, TaskOptions } from '../../index.js'

/** What `convertTable` takes beside the options of every task. */
export interface ConvertTableOptions {
  /** What `data` is. */
  from: 'csv' | 'tsv' | 'xlsx' | 'xls' | 'ods'
  /** What it becomes. */
  to: 'csv' | 'json' | 'ndjson'
  /** Of a spreadsheet: the name of the sheet, or its number from 0. Default the first. */
  sheet?: string | number | undefined
  /** What stands between the fields of csv, read or written: one ASCII character. Default ','. */
  delimiter?: string | undefined
  /** Most bytes that the result may have. Default 256 MiB. It is also what a pool with `maxMemory` counts: lower it. */
  maxOutputLength?: number | undefined
  /** Most bytes that may be unpacked of an xlsx or ods file, against bombs. Default 512 MiB. Of xlsx a pool with `maxMemory` counts it, too. */
  maxUnpackedLength?: number | undefined
}

/** What `queryJson` takes beside the options of every task. */
export interface QueryJsonOptions {
  /** The jq program. At most 8 KiB. */
  filter: string
  /** Whether there is to be one output, and no new line behind it. Default false. */
  single?: boolean | undefined
  /** Most bytes of output. Default 256 MiB. */
  maxOutputLength?: number | undefined
  /** Most bytes that the program's values take. 1 MiB..1 TiB, default 512 MiB. */
  maxMemory?: number | undefined
}

/** What `topK` takes beside the options of every task. */
export interface TopKOptions {
  /** What the rows are compared with. */
  query: Float32Array
  /** Elements of a row. 1..1,048,576. */
  dimensions: number
  /** How many rows; all, if there are fewer. 1..4,294,967,295. */
  k: number
  /** 'cosine' (default): of the angle, 1 for the same direction, NaN for a row of zeros. 'dot': the dot product. 'euclidean': the distance, of which smaller is better. */
  metric?: 'cosine' | 'dot' | 'euclidean' | undefined
}
/**
 * The table in `data` in another form, row by row. Its first row that has a value is the header, with the names of the columns: an empty one is called `column_3` by its place, and one that was there
 * before `name_2`; csv keeps them as they are. 'json' is an array of objects, 'ndjson' an object a line. Rows that are shorter are filled with `null` (csv: with empty fields). Of csv and tsv every value
 * is a string, quotes are as in RFC 4180, lines without anything are no rows, and a byte order mark is left out. Of spreadsheets numbers and booleans stay what they are, rows without any value are left
 * out, empty cells are `null`, and a cell with an error is its text (`#DIV/0!`). Dates are ISO 8601: `2024-01-31` where there is no time of day, `2024-01-31T06:30:00` where there is, in no time zone,
 * `06:30:00` for a time alone; durations, and every time in ods, are `PT36H0M0S`. Of formulas there are the results that the file has. In csv that is written lines end with `\n`, booleans are TRUE and
 * FALSE, and nothing is done about texts that a spreadsheet would take for formulas.
 *
 * Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, ERR_OUT_OF_MEMORY; ERR_INVALID_DATA if the data is broken, encrypted or not of this form, csv is not UTF-8, there is no such
 * sheet, a row is longer than the header (the message names it) or, in csv, than 16 MiB, a cell is longer than 1 MiB, or the names together are; ERR_OUTPUT_TOO_LARGE as soon as there is more than
 * `maxOutputLength` or `maxUnpackedLength`. Working memory: the result as it grows; the strings of an xlsx file as they are unpacked; about four times an xls file; 32 MiB at most of a row. A cell far
 * away takes nothing. Stops within: 1 ms; of data that is made to take long, 10 ms. Sources: RFC 4180, ECMA-376, OpenDocument 1.3, MS-XLS, MS-CFB.
 *
 * Runs on the threads of a pool.
 */
export function convertTable(data: Bytes, options: TaskOptions & ConvertTableOptions): Promise<Buffer>
export namespace convertTable {
  const kernel: 'convertTable'
}

/**
 * {@link convertTable} on libuv's thread pool, as an N-API AsyncTask.
 */
export function convertTableAsync(data: Bytes, options: AsyncOptions & ConvertTableOptions): Promise<Buffer>
export namespace convertTableAsync {
  const kernel: 'convertTable'
}

/**
 * {@link convertTable} on the calling thread.
 */
export function convertTableSync(data: Bytes, options: SyncOptions & ConvertTableOptions): Buffer
export namespace convertTableSync {
  const kernel: 'convertTable'
}

/**
 * What a jq program makes of `json`: its outputs as JSON, one a line, or the only one with `single`. The text may have several values, with white space between them; each is an input. It is checked as a
 * whole, but only what the program looks into is read. The language is jaq's: jq 1.7's but for what its manual names. Integers of 64 bits are exact; numbers keep their spelling until something is calculated
 * with them. There are no files, no modules and no `input`; the environment is empty; `halt` ends the outputs.
 *
 * Errors: ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE; ERR_INVALID_ARG_VALUE for a `filter` that is no jq program, and for more than 4 GiB of JSON; ERR_INVALID_DATA for what is no JSON (with line and column) or
 * no UTF-8, is nested more than 10,000 levels deep, for an error of the program's that it does not catch (with jq's message), and if there is not one output with `single`; ERR_OUTPUT_TOO_LARGE as soon as
 * there is more than `maxOutputLength`, or the program's values take more than `maxMemory`; ERR_OUT_OF_MEMORY. Working memory: 16 bytes for each array and object of the text, 16 for each element and member
 * that is looked at, and what the program makes. Stops within: 1 ms, but for a single function of jq's over a long string (some 10 ms for each MiB), one search by regular expression above all. Programs are compiled once, on the pool; the last 32 are
 * kept. Sources: RFC 8259, the manuals of jq and jaq.
 *
 * Runs on the threads of a pool.
 */
export function queryJson(json: string | Bytes, options: TaskOptions & QueryJsonOptions): Promise<Buffer>
export namespace queryJson {
  const kernel: 'queryJson'
}

/**
 * {@link queryJson} on libuv's thread pool, as an N-API AsyncTask.
 */
export function queryJsonAsync(json: string | Bytes, options: AsyncOptions & QueryJsonOptions): Promise<Buffer>
export namespace queryJsonAsync {
  const kernel: 'queryJson'
}

/**
 * {@link queryJson} on the calling thread.
 */
export function queryJsonSync(json: string | Bytes, options: SyncOptions & QueryJsonOptions): Buffer
export namespace queryJsonSync {
  const kernel: 'queryJson'
}

/**
 * The `k` rows of `vectors` (row-major, `dimensions` elements each) that are nearest to `query`: their indices and scores, best first, equal ones by index, NaN last. `freeze()` the vectors once, and any
 * number of calls read them without a copy. The result is the same, however many threads there are.
 *
 * Errors: ERR_INVALID_ARG_TYPE; ERR_INVALID_ARG_VALUE if `vectors` is no whole number of rows, or `query` has not `dimensions` elements; ERR_OUT_OF_RANGE; ERR_OUT_OF_MEMORY.
 * Working memory: 12 `k` bytes a thread. Stops within: 1 ms.
 *
 * Runs on the threads of a pool.
 */
export function topK(
  vectors: Float32Array | FrozenBuffer,
  options: TaskOptions & TopKOptions,
): Promise<{ index: Uint32Array; score: Float32Array }>
export namespace topK {
  const kernel: 'topK'
}

/**
 * {@link topK} on libuv's thread pool, as an N-API AsyncTask.
 */
export function topKAsync(
  vectors: Float32Array | FrozenBuffer,
  options: AsyncOptions & TopKOptions,
): Promise<{ index: Uint32Array; score: Float32Array }>
export namespace topKAsync {
  const kernel: 'topK'
}

/**
 * {@link topK} on the calling thread.
 */
export function topKSync(
  vectors: Float32Array | FrozenBuffer,
  options: SyncOptions & TopKOptions,
): { index: Uint32Array; score: Float32Array }
export namespace topKSync {
  const kernel: 'topK'
}

// For `pool.run('name', input)` and `pool.map`.
declare module '../../index.js' {
  interface Kernels {
    convertTable: { input: Bytes; options: ConvertTableOptions; output: Buffer }
    queryJson: { input: string | Bytes; options: QueryJsonOptions; output: Buffer }
    topK: {
      input: Float32Array | FrozenBuffer
      options: TopKOptions
      output: { index: Uint32Array; score: Float32Array }
    }
  }
}
