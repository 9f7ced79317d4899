// queryJson beside JSON.parse, in every form and hand-over; limits, errors, stopping.
import test from 'ava'
import { freeze, Pool } from 'heavy-load'
import { queryJson, queryJsonAsync, queryJsonSync } from 'heavy-load/data'
import { errorOf } from '../../../__test__/helpers/errors.mjs'

const rows = Array.from({ length: 2000 }, (_, id) => ({
  id,
  name: `user "${id}" é\n😀`,
  tags: ['a', `b${id % 7}`, null, true],
  nested: { score: id / 3, deep: [{ x: [id] }] },
}))
const document = { meta: { count: rows.length }, rows, next: 'x' }
const text = JSON.stringify(document, undefined, 1)

test('the same in every form and hand-over', async (t) => {
  const shared = new Uint8Array(new SharedArrayBuffer(Buffer.byteLength(text)))
  shared.set(Buffer.from(text))
  const options = {
    filter: '[.meta.count, .next, .rows[1500].name, (.rows | map(.nested.score) | add | floor)]',
    single: true,
  }
  const sum = Math.floor(rows.reduce((sum, row) => sum + row.nested.score, 0))
  const expected = [2000, 'x', rows[1500].name, sum]
  for (const given of [
    await queryJson(text, options),
    await queryJson(Buffer.from(text), options),
    await queryJson(freeze(Buffer.from(text)), options),
    await queryJson(shared, options),
    await queryJson(new Uint8Array(Buffer.from(text)), { ...options, transfer: true }),
    await queryJsonAsync(text, options),
    await queryJsonAsync(Buffer.from(text), options),
    queryJsonSync(text, options),
    queryJsonSync(shared, options),
    await new Pool({ threads: 1 }).run('queryJson', text, options),
  ]) {
    t.true(Buffer.isBuffer(given))
    t.deepEqual(JSON.parse(given.toString()), expected)
  }
})

test('outputs are lines of JSON, of each value in the text', async (t) => {
  const out = await queryJson('{"a":1}\n{"a":[2, 3]}  "x" 4', { filter: 'objects | .a' })
  t.is(out.toString(), '1\n[2,3]\n')
  t.is((await queryJson('', { filter: '.' })).length, 0)
  t.is((await queryJson('[]', { filter: '.[]' })).length, 0)
  t.is((await queryJson(`\ufeff${text}`, { filter: '.next' })).toString(), '"x"\n')
  const lines = (await queryJson(text, { filter: '.rows[]' })).toString().trimEnd().split('\n')
  t.deepEqual(
    lines.map((line) => JSON.parse(line)),
    rows,
  )
})

test('single: the only output', async (t) => {
  t.is((await queryJson('{"a":"x"}', { filter: '.a', single: true })).toString(), '"x"')
  for (const filter of ['empty', '.a, .a', 'halt']) {
    const error = await errorOf(queryJson('{"a":1}', { filter, single: true }))
    t.is(error.code, 'ERR_INVALID_DATA', filter)
  }
})

test('errors say what is wrong, and whose it is', async (t) => {
  for (const [json, options, code, message] of [
    ['{"a":\n nope}', { filter: '.' }, 'ERR_INVALID_DATA', /line 2, column 2/],
    [Buffer.from([0x22, 0xff, 0x22]), { filter: '.' }, 'ERR_INVALID_DATA', /UTF-8 at line 1, column 2/],
    ['1', { filter: '.a' }, 'ERR_INVALID_DATA', /jq: cannot index 1 with "a"/],
    ['1', { filter: 'error("mine")' }, 'ERR_INVALID_DATA', /jq: mine/],
    ['1', { filter: 'halt_error' }, 'ERR_INVALID_DATA', /jq: 1$/],
    ['1', { filter: '.a |' }, 'ERR_INVALID_ARG_VALUE', /"options.filter" property is no jq program/],
    ['1', { filter: 'nope' }, 'ERR_INVALID_ARG_VALUE', /undefined filter: nope/],
    ['1', { filter: `1${'|.'.repeat(5000)}` }, 'ERR_INVALID_ARG_VALUE', /8 KiB/],
    ['1', {}, 'ERR_INVALID_ARG_TYPE', /options.filter/],
    ['1', { filter: 1 }, 'ERR_INVALID_ARG_TYPE', /options.filter/],
    [{ a: 1 }, { filter: '.' }, 'ERR_INVALID_ARG_TYPE', /json/],
    ['1', { filter: '.', maxMemory: 5 }, 'ERR_OUT_OF_RANGE', /maxMemory/],
    ['[1,2,3]', { filter: '.', maxOutputLength: 7 }, 'ERR_OUTPUT_TOO_LARGE', /maxOutputLength/],
    ['1', { filter: '[range(1e9)]', maxMemory: 2 ** 22 }, 'ERR_OUTPUT_TOO_LARGE', /maxMemory/],
    ['1', { filter: 'def f: 1 + f; f' }, 'ERR_INVALID_DATA', /too deeply/],
  ]) {
    for (const form of [queryJson, queryJsonAsync, async (...call) => queryJsonSync(...call)]) {
      const error = await errorOf(form(json, options))
      t.is(error.code, code, `${JSON.stringify(options)}: ${error.message}`)
      t.regex(error.message, message)
    }
  }
  t.is((await queryJson('[1,2,3]', { filter: '.', maxOutputLength: 8 })).toString(), '[1,2,3]\n')
})

test('there is nothing of the machine in it', async (t) => {
  const ask = async (filter) => JSON.parse((await queryJson('1', { filter, single: true })).toString())
  t.deepEqual(await ask('[env, $ENV]'), [{}, {}])
  for (const filter of [
    'input',
    'inputs',
    'localtime',
    'include "a"; .',
    'import "a" as $a; .',
    'input_filename',
    '$__prog_args',
  ]) {
    t.is((await errorOf(queryJson('1', { filter }))).code, 'ERR_INVALID_ARG_VALUE', filter)
  }
})

test('what would never end stops with its signal or timeout, and its thread serves on', async (t) => {
  const pool = new Pool({ threads: 1 })
  for (const filter of [
    'def f: f; f',
    'last(range(1e18))',
    'reduce repeat(1) as $x (0; $x)',
    '[range(300)] | [.[] as $a | .[] as $b | .[] as $c | select(false)]',
  ]) {
    const control = new AbortController()
    const running = queryJson('1', { filter, pool, signal: control.signal })
    const other = await queryJson('[1]', { filter: '.[0]', pool })
    t.is(other.toString(), '1\n', 'others come between')
    control.abort()
    t.is((await errorOf(running)).code, 'ABORT_ERR')
    // Once it is known how long they take, a call may be refused at once.
    t.regex((await errorOf(queryJson('1', { filter, pool, timeout: 30 }))).code, /^ERR_(TASK_TIMEOUT|POOL_OVERLOADED)$/)
    t.throws(() => queryJsonSync('1', { filter, timeout: 30 }), { code: 'ERR_TASK_TIMEOUT' })
  }
  await pool.close()
  t.is(pool.stats().running, 0)
})

test('megabytes are queried where they stand', async (t) => {
  const many = `[${Array(200).fill(text).join(',')}]`
  const frozen = freeze(Buffer.from(many))
  const found = await Promise.all(
    [0, 99, 199].map((at) =>
      queryJson(frozen, { filter: `.[${at}].rows[-1].nested.deep[0].x[0]`, maxMemory: 2 ** 24 }),
    ),
  )
  t.deepEqual(found.map(String), ['1999\n', '1999\n', '1999\n'])
})
