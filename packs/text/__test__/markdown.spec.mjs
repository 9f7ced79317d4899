// renderMarkdown: the specification's own examples, GitHub's extensions, and what is left of all that when it is made clean.
import { createRequire } from 'node:module'
import test from 'ava'
import { renderMarkdown, renderMarkdownAsync, renderMarkdownSync } from 'heavy-load/text'
import { errorOf } from '../../../__test__/helpers/errors.mjs'

const specification = createRequire(import.meta.url)('commonmark-spec')

test("CommonMark's examples", (t) => {
  const examples = specification.tests
  t.true(examples.length > 600)
  const tabs = (text) => text.replaceAll('→', '\t')
  for (const { markdown, html, number } of examples) {
    t.is(renderMarkdownSync(tabs(markdown), { gfm: false, sanitize: false }), tabs(html), `example ${number}`)
  }
})

test("GitHub's extensions", (t) => {
  for (const [markdown, html] of [
    [
      '| a | b |\n| :-: | --: |\n| 1 | \\| |',
      '<table>\n<thead>\n<tr>\n<th align="center">a</th>\n<th align="right">b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td align="center">1</td>\n<td align="right">|</td>\n</tr>\n</tbody>\n</table>\n',
    ],
    ['~~a~~ ~b~', '<p><del>a</del> <del>b</del></p>\n'],
    [
      'www.a.com http://b.com. c@d.com',
      '<p><a href="http://www.a.com">www.a.com</a> <a href="http://b.com">http://b.com</a>. <a href="mailto:c@d.com">c@d.com</a></p>\n',
    ],
    [
      '- [x] a\n- [ ] b',
      '<ul>\n<li><input type="checkbox" checked="" disabled="" /> a</li>\n<li><input type="checkbox" disabled="" /> b</li>\n</ul>\n',
    ],
  ]) {
    t.is(renderMarkdownSync(markdown, { sanitize: false }), html)
    t.not(renderMarkdownSync(markdown, { sanitize: false, gfm: false }), html)
  }
})

test('what Markdown itself can say stays when it is made clean', async (t) => {
  t.is(await renderMarkdown('```js\nx < y\n```'), '<pre><code class="language-js">x &lt; y\n</code></pre>\n')
  const tasks = await renderMarkdown('- [x] a')
  t.regex(tasks, /<input type="checkbox" checked="" disabled=""> a/)
  const notes = await renderMarkdown('a[^1]\n\n[^1]: b')
  t.regex(notes, /<a href="#fn-1" id="fnref-1"/)
  t.regex(notes, /<section class="footnotes"/)
  t.is(await renderMarkdown('| a |\n|:-:|\n').then((html) => /<th align="center">a/.test(html)), true)
})

test('HTML in it is made clean', async (t) => {
  t.is(await renderMarkdown('<b onclick=x>a</b> <script>b</script>'), '<p><b>a</b> </p>\n')
  t.is(await renderMarkdown('<code class="own">x</code>'), '<p><code>x</code></p>\n')
  t.is(await renderMarkdown('<code class="language-x evil">x</code>'), '<p><code class="language-x">x</code></p>\n')
  t.is(
    await renderMarkdown('<sup class="footnote-ref a footnotes-b">x</sup>'),
    '<p><sup class="footnote-ref">x</sup></p>\n',
  )
  t.is(await renderMarkdown('<li id="login">x'), '<li>x\n</li>')
  t.is(await renderMarkdown('<input name=password>'), '<input disabled="">\n')
  t.is(await renderMarkdown('[a](javascript:b)'), '<p><a rel="noopener noreferrer">a</a></p>\n')
})

test('a text is a string, or bytes in UTF-8, in every form', async (t) => {
  const bytes = Buffer.from('*é* 😀')
  for (const render of [renderMarkdown, renderMarkdownSync, renderMarkdownAsync]) {
    t.is(await render('*é* 😀'), '<p><em>é</em> 😀</p>\n')
    t.is(await render(bytes), '<p><em>é</em> 😀</p>\n')
  }
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
  shared.set(bytes)
  t.is(await renderMarkdown(shared), '<p><em>é</em> 😀</p>\n')
  t.is(await renderMarkdown(Buffer.from([0x61, 0xff, 0xe2, 0x82])), '<p>a\ufffd\ufffd</p>\n')
  t.is(await renderMarkdown(Buffer.from('\ufeff# a')), '<h1>a</h1>\n', 'without a byte order mark')
  t.is(await renderMarkdown('a\ud800b'), '<p>a\ufffdb</p>\n')
  t.is(await renderMarkdown(''), '')
  t.is((await errorOf(renderMarkdown(5))).code, 'ERR_INVALID_ARG_TYPE')
  t.is((await errorOf(renderMarkdown('a', { gfm: 1 }))).code, 'ERR_INVALID_ARG_TYPE')
})

test('texts that are made to take long end soon, or are refused', async (t) => {
  const many = 100_000
  for (const text of [
    '[',
    '![',
    '*a ',
    '**a *a ',
    '<',
    '&',
    '`',
    '|a',
    '\\',
    '[a](',
    '[^1]',
    '_a',
    '~',
    '- ',
    '\n-',
    '|a\n|-\n',
  ].map((piece) => piece.repeat(many))) {
    t.true((await renderMarkdown(text)).length > 0, text.slice(0, 8))
  }
  for (const text of ['>'.repeat(many), `${'<div>'.repeat(many)}x`]) {
    const error = await errorOf(renderMarkdown(text))
    t.is(error.code, 'ERR_INVALID_DATA', text.slice(0, 8))
  }
  t.is((await errorOf(renderMarkdown('a'.repeat(2 ** 22 + 1)))).code, 'ERR_INVALID_DATA')
  // Whoever sent Markdown is told of Markdown.
  const { code, message } = await errorOf(renderMarkdown(`[^1]: a\n\n${'[^1]'.repeat(800_000)}`))
  t.is(code, 'ERR_OUTPUT_TOO_LARGE')
  t.regex(message, /^The HTML that the text makes is longer/)
})
