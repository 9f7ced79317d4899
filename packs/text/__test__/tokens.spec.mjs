// countTokens and truncateToTokens beside js-tiktoken and gpt-tokenizer, on ten thousand texts of many scripts; and texts that are made to take long.
import { createRequire } from 'node:module'
import test from 'ava'
import { Pool } from 'heavy-load'
import { countTokens, countTokensAsync, countTokensSync, truncateToTokens, truncateToTokensSync } from 'heavy-load/text'
import { errorOf } from '../../../__test__/helpers/errors.mjs'

const require = createRequire(import.meta.url)
const { Tiktoken } = require('js-tiktoken/lite')
const ENCODINGS = ['o200k_base', 'cl100k_base']

/** What texts are made of, by script and by what patterns tell apart. */
const WORDS = [
  ..."the The THE hello WORLD don't it's I'LL we've they're camelCase HTTPServer snake_case naïve Straße ﬁn".split(' '),
  ...'привет МИР слово ελληνικά ΔΟΚΙΜΗ שלום עולם مرحبا بالعالم नमस्ते दुनिया สวัสดีชาวโลก 你好世界 漢字かな カタカナ 안녕하세요 ᚠᚢᚦ ქართული'.split(
    ' ',
  ),
  ...'😀 👩‍👩‍👧‍👦 🇩🇪 ✅ e\u0301 a\u0308\u0304 ½ ² Ⅷ ① € £ → ∑ \u200d \ufe0f'.split(' '),
  ...'1 12 123 1234 12345678 3.14 1,000 0x1F 2026-11-27 ١٢٣ १२३'.split(' '),
  ...'() {} [] <div> </a> => == != && || ++ -- // /* */ # @ $ % ^ & * ; : , . ... ? ! " \' ` ~ \\ | _ __ - –— <|endoftext|> <|im_start|>'.split(
    ' ',
  ),
  'function f(a) { return a + 1 }',
  'SELECT * FROM t WHERE x = 1;',
  'https://example.com/a?b=c&d=e#f',
  'aaaaaaaaaaaaaaaaaaaa',
  'ABABABABAB',
]
const SPACES = [
  ' ',
  ' ',
  ' ',
  '',
  '  ',
  '    ',
  '\n',
  '\n\n',
  '\r\n',
  '\t',
  ' \n',
  '\n  ',
  '   \t ',
  '\u00a0',
  '\u3000',
]

function* texts(count) {
  let state = 5
  const next = (end) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * end)
  }
  const of = (list) => list[next(list.length)]
  for (let index = 0; index < count; index++) {
    let text = ''
    for (let word = next(30); word >= 0; word--) text += of(WORDS) + of(SPACES)
    yield text
  }
}

for (const encoding of ENCODINGS) {
  test(`${encoding}: as js-tiktoken and gpt-tokenizer`, (t) => {
    t.timeout(300_000)
    const tiktoken = new Tiktoken(require(`js-tiktoken/ranks/${encoding}`))
    const { encode } = require(`gpt-tokenizer/encoding/${encoding}`)
    for (const text of texts(10_000)) {
      const count = countTokensSync(text, { encoding })
      const tokens = tiktoken.encode(text, [], [])
      if (count !== tokens.length) t.is(count, tokens.length, JSON.stringify(text))
      const others = encode(text, { disallowedSpecial: new Set() }).length
      if (count !== others) t.is(count, others, JSON.stringify(text))
    }
    t.pass()
  })

  test(`${encoding}: the first tokens' text`, (t) => {
    const tiktoken = new Tiktoken(require(`js-tiktoken/ranks/${encoding}`))
    for (const text of texts(300)) {
      const tokens = tiktoken.encode(text, [], [])
      for (const maxTokens of [
        0,
        1,
        2,
        Math.floor(tokens.length / 2),
        tokens.length - 1,
        tokens.length,
        tokens.length + 1,
      ]) {
        // What a token holds in part is U+FFFD at the end, as decoders have it.
        const expected = tiktoken.decode(tokens.slice(0, maxTokens)).replace(/\ufffd+$/, '')
        t.is(truncateToTokensSync(text, { maxTokens, encoding }), expected)
      }
    }
  })
}

test('in every form, of bytes too', async (t) => {
  for (const count of [countTokens, countTokensSync, countTokensAsync]) {
    t.is(await count('hello world'), 2)
    t.is(await count(Buffer.from('hello world'), { encoding: 'cl100k_base' }), 2)
    t.is(await count(''), 0)
  }
  t.is(await truncateToTokens('hello world', { maxTokens: 1 }), 'hello')
  t.is(await truncateToTokens(Buffer.from('hello world'), { maxTokens: 5 }), 'hello world')
  t.is(await countTokens('a\ud800b'), await countTokens('a\ufffdb'))
  t.is((await errorOf(countTokens('a', { encoding: 'gpt2' }))).code, 'ERR_INVALID_ARG_VALUE')
  t.is((await errorOf(truncateToTokens('a', { maxTokens: -1 }))).code, 'ERR_OUT_OF_RANGE')
  t.is((await errorOf(truncateToTokens('a'))).code, 'ERR_INVALID_ARG_TYPE')
  t.is((await errorOf(countTokens(5))).code, 'ERR_INVALID_ARG_TYPE')
})

test('texts that make others slow are counted', async (t) => {
  t.is(await countTokens('a'.repeat(100_000)), 12_500)
  for (const piece of ['a', ' ', '\n', '中', 'aB', '1', '!', '\u0301', ' a']) {
    t.true((await countTokens(piece.repeat(1_000_000 / piece.length))) > 0, JSON.stringify(piece))
  }
  const noise = Buffer.from(Array.from({ length: 1_000_000 }, (_, at) => (Math.imul(at, 2654435761) >>> 13) & 255))
  t.true((await countTokens(noise)) > 100_000)
})

test('the limit falls within a long piece, at its end, or behind it', async (t) => {
  for (const piece of ['a', 'ab', '中', 'x1']) {
    const text = `${piece.repeat(5000)} end`
    const count = await countTokens(text)
    for (const maxTokens of [1, 7, 500, count - 2, count - 1, count, count + 1]) {
      const cut = await truncateToTokens(text, { maxTokens })
      t.true(text.startsWith(cut))
      t.is(cut === text, maxTokens >= count, `${maxTokens} of ${count}`)
      t.true((await countTokens(cut)) <= maxTokens)
    }
  }
})

test('stops while it counts, and a first call that was stopped does no harm', async (t) => {
  const pool = new Pool({ threads: 2, niceness: 0 })
  const controllers = [1, 2, 3].map(() => new AbortController())
  const first = controllers.map(({ signal }) => errorOf(countTokens('a b', { pool, encoding: 'cl100k_base', signal })))
  for (const controller of controllers) controller.abort()
  for (const error of await Promise.all(first)) t.is(error.code, 'ABORT_ERR')
  const controller = new AbortController()
  const text = 'some words and others '.repeat(500_000)
  const onProgress = () => controller.abort()
  t.is((await errorOf(countTokens(text, { pool, signal: controller.signal, onProgress }))).code, 'ABORT_ERR')
  t.deepEqual(
    await Promise.all([1, 2, 3, 4].map(() => countTokens('a b', { pool, encoding: 'cl100k_base' }))),
    [2, 2, 2, 2],
  )
  await pool.close()
})
