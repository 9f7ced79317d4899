// matchText and replaceText: what JavaScript's own patterns find, where both have the same syntax, counted as JavaScript counts; bounds.
import test from 'ava'
import { Pool } from 'heavy-load'
import {
  matchText,
  matchTextAsync,
  matchTextSync,
  replaceText,
  replaceTextAsync,
  replaceTextSync,
} from 'heavy-load/text'
import { errorOf } from '../../../__test__/helpers/errors.mjs'

const TEXTS = [
  '',
  'a',
  'aab ab b',
  'x1 y22\nz333',
  'é😀ab😀😀c',
  '𝄞a\u0301b',
  'naïve café 12,5 €',
  'AbC aBc',
  'a\r\nb\n',
  '\ud83d',
  'tab\tquote" back\\ nul\0',
]
const PATTERNS = [
  'a',
  'a+',
  '[a-z]+',
  '(a)(b)?',
  '(\\d)(\\d*)',
  '(?<first>[a-z])(?<rest>\\w*)',
  '^',
  '$',
  '.',
  '\\s',
  '[^a]',
  'x*?',
  '(?:a|ab)(c|bcd)?',
  '😀',
  '\\b',
]

test('finds what JavaScript finds', async (t) => {
  for (const text of TEXTS) {
    for (const pattern of PATTERNS) {
      for (const flags of ['', 'i', 'm', 's', 'im']) {
        const well = text.toWellFormed()
        // In Rust, classes are of Unicode: of those that differ none is in the texts beside an i.
        if (/\\[wb]/.test(pattern) && /[^\0-\x7f]/.test(well)) continue
        const expected = []
        for (const match of well.matchAll(new RegExp(pattern, `gu${flags}`))) {
          // Behind a match JavaScript finds an empty one that the crate does not.
          if (match[0] === '' && expected.at(-1)?.end === match.index) continue
          expected.push({
            start: match.index,
            end: match.index + match[0].length,
            groups: match.slice(1).map((group) => group ?? null),
          })
        }
        // Without s, JavaScript's dot leaves out more than \n.
        if (pattern === '.' && !flags.includes('s') && /[\r\u2028]/.test(well)) continue
        if (/[$^]/.test(pattern) && flags.includes('m') && /\r/.test(well)) continue
        t.deepEqual(await matchText(text, { pattern, flags }), expected, JSON.stringify([text, pattern, flags]))
      }
    }
  }
})

test('in every form, of bytes too, up to a limit', async (t) => {
  const expected = [
    { start: 3, end: 4, groups: [] },
    { start: 5, end: 6, groups: [] },
  ]
  const [text, pattern] = ['é😀a a a', 'a']
  for (const match of [matchText, matchTextSync, matchTextAsync]) {
    t.deepEqual(await match(text, { pattern, limit: 2 }), expected)
    t.deepEqual(await match(Buffer.from(text), { pattern, limit: 2 }), expected)
  }
  t.is((await matchText('a'.repeat(20_000), { pattern })).length, 10_000)
  t.is((await matchText('a'.repeat(20_000), { pattern, limit: 1e6 })).length, 20_000)
  t.deepEqual(await matchText('a b # c', { pattern: 'a\\ b # no pattern', flags: 'x' }), [
    { start: 0, end: 3, groups: [] },
  ])
})

test('replaces', async (t) => {
  for (const [text, pattern, replacement, expected] of [
    ['a1 b2', '([a-z])(\\d)', '$2$1', '1a 2b'],
    ['a1 b2', '(?<letter>[a-z])', `<\${letter}>`, '<a>1 <b>2'],
    ['abc', 'x*', '-', '-a-b-c-'],
    ['é😀', '', '|', '|é|😀|'],
    ['a', 'a', `$$ $0 $9 \${none}`, '$ a  '],
    ['aaa', 'b', 'c', 'aaa'],
    ['', '^', 'x', 'x'],
  ]) {
    t.is(await replaceText(text, { pattern, replacement }), expected)
    t.is(replaceTextSync(Buffer.from(text), { pattern, replacement }), expected)
  }
  t.is(await replaceText('A a', { pattern: 'a', replacement: 'b', flags: 'i' }), 'b b')
})

test('patterns that are none, or too large, and other wrong options', async (t) => {
  for (const [options, code] of [
    [{ pattern: '(' }, 'ERR_INVALID_ARG_VALUE'],
    [{ pattern: '(?=a)' }, 'ERR_INVALID_ARG_VALUE'],
    [{ pattern: '(a)\\1' }, 'ERR_INVALID_ARG_VALUE'],
    [{ pattern: '\\w{9999}' }, 'ERR_INVALID_ARG_VALUE'],
    [{ pattern: `${'('.repeat(1000)}a${')'.repeat(1000)}` }, 'ERR_INVALID_ARG_VALUE'],
    [{ pattern: 'a'.repeat(65_537) }, 'ERR_INVALID_ARG_VALUE'],
    [{ pattern: 'a', flags: 'g' }, 'ERR_INVALID_ARG_VALUE'],
    [{ pattern: 'a', flags: 1 }, 'ERR_INVALID_ARG_TYPE'],
    [{ pattern: /a/ }, 'ERR_INVALID_ARG_TYPE'],
    [{}, 'ERR_INVALID_ARG_TYPE'],
  ]) {
    t.is((await errorOf(matchText('a', options))).code, code, JSON.stringify(options))
    t.is((await errorOf(replaceText('a', { replacement: 'b', ...options }))).code, code, JSON.stringify(options))
  }
  t.is((await errorOf(matchText('a', { pattern: 'a', limit: 0 }))).code, 'ERR_OUT_OF_RANGE')
  t.is((await errorOf(replaceText('a', { pattern: 'a' }))).code, 'ERR_INVALID_ARG_TYPE')
})

test('output is bounded', async (t) => {
  const text = 'a'.repeat(1e6)
  t.is(
    (await errorOf(replaceText(text, { pattern: '.*', replacement: '$0'.repeat(1000) }))).code,
    'ERR_OUTPUT_TOO_LARGE',
  )
  t.is((await errorOf(replaceText(text, { pattern: 'a', replacement: 'b'.repeat(1000) }))).code, 'ERR_OUTPUT_TOO_LARGE')
  t.is(
    (await errorOf(matchText(text, { pattern: `${'('.repeat(100)}.*${')'.repeat(100)}` }))).code,
    'ERR_OUTPUT_TOO_LARGE',
  )
})

test('patterns that make others slow do not', async (t) => {
  const text = `${'a'.repeat(1e6)}b`
  t.deepEqual(await matchText(text, { pattern: '(a+)+$' }), [])
  t.deepEqual(await matchText(text, { pattern: '(a|a)*c' }), [])
  t.deepEqual(await matchText(text, { pattern: '(.*a){12}$' }), [])
  t.is(await replaceText(text, { pattern: '(a+)+$', replacement: '' }), text)
})

test('searches that are quadratic together stop with their timeout', async (t) => {
  const text = 'A'.repeat(1e6)
  const options = { pattern: '.*[^A-Z]|[A-Z]', limit: 1e6, replacement: '', timeout: 100 }
  const { replacement, ...ofMatch } = options
  const { limit, ...ofReplace } = options
  for (const match of [matchText, matchTextAsync, matchTextSync]) {
    // Once it is known how long they take, the pool may refuse one at once.
    t.regex((await errorOf((async () => match(text, ofMatch))())).code, /^ERR_(TASK_TIMEOUT|POOL_OVERLOADED)$/)
  }
  for (const replace of [replaceText, replaceTextAsync, replaceTextSync]) {
    t.regex((await errorOf((async () => replace(text, ofReplace))())).code, /^ERR_(TASK_TIMEOUT|POOL_OVERLOADED)$/)
  }
})

test('stops while it goes through a long text', async (t) => {
  const pool = new Pool({ threads: 1, niceness: 0 })
  const controller = new AbortController()
  const text = Buffer.alloc(1e7, 'ab ')
  const options = { pool, pattern: '(\\w)(\\w)', limit: 1e6, signal: controller.signal }
  const error = await errorOf(matchText(text, { ...options, onProgress: () => controller.abort() }))
  t.is(error.code, 'ABORT_ERR')
  t.deepEqual(await matchText('ab', { pool, pattern: 'a' }), [{ start: 0, end: 1, groups: [] }])
  await pool.close()
})
