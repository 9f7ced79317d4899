// sanitizeHtml and htmlToMarkdown: what stays, what goes, what is refused. What runs in a browser: browser.spec.mjs.
import test from 'ava'
import { Pool } from 'heavy-load'
import {
  htmlToMarkdown,
  htmlToMarkdownAsync,
  htmlToMarkdownSync,
  sanitizeHtml,
  sanitizeHtmlAsync,
  sanitizeHtmlSync,
} from 'heavy-load/text'
import { errorOf } from '../../../__test__/helpers/errors.mjs'

test('by default stays what texts are written with', async (t) => {
  for (const [html, clean] of [
    ['<p>a <b>b</b><br>c', '<p>a <b>b</b><br>c</p>'],
    ['<a href="/x" title="y" class="z">a</a>', '<a href="/x" title="y" rel="noopener noreferrer">a</a>'],
    ['<a href="https://b" target=_blank rel=opener>b</a>', '<a href="https://b" rel="noopener noreferrer">b</a>'],
    ['<a href="javascript:x">c</a>', '<a rel="noopener noreferrer">c</a>'],
    ['<img src=x alt=y onerror=z style=w>', '<img src="x" alt="y">'],
    ['<script>a</script><style>b</style><!-- c --><custom-tag>d</custom-tag>', 'd'],
    ['<table><tr><td colspan=2>x', '<table><tbody><tr><td colspan="2">x</td></tr></tbody></table>'],
    ['a &lt; b & c', 'a &lt; b &amp; c'],
    ['', ''],
  ]) {
    for (const sanitize of [sanitizeHtml, sanitizeHtmlSync, sanitizeHtmlAsync]) t.is(await sanitize(html), clean)
    t.is(await sanitizeHtml(Buffer.from(html)), clean)
  }
})

test('lists of tags and attributes replace the default', async (t) => {
  t.is(await sanitizeHtml('<p class=a>x<b>y</b></p>', { tags: ['p'] }), '<p>xy</p>')
  t.is(
    await sanitizeHtml('<p class=a id=b>x<a href=c>y</a></p>', { attributes: { p: ['class'] } }),
    '<p class="a">x<a rel="noopener noreferrer">y</a></p>',
  )
  t.is(
    await sanitizeHtml('<p class=a><b class=c>x</b></p>', { attributes: { '*': ['class'] } }),
    '<p class="a"><b class="c">x</b></p>',
  )
  t.is(await sanitizeHtml('<P CLASS=a>x</P>', { tags: ['P'], attributes: { P: ['CLASS'] } }), '<p class="a">x</p>')
  t.is(await sanitizeHtml('<b>x</b>', { tags: [], attributes: {} }), 'x')
  t.is(
    await sanitizeHtml('<a href=b rel=c>x</a>', { attributes: { a: ['href', 'rel'] } }),
    '<a href="b" rel="noopener noreferrer">x</a>',
  )
})

test('no list lets in what runs', async (t) => {
  for (const tag of [
    'script',
    'style',
    'iframe',
    'object',
    'embed',
    'svg',
    'math',
    'form',
    'input',
    'button',
    'meta',
    'base',
    'link',
    'template',
    'noscript',
    'frame',
    'textarea',
    'select',
    'xmp',
    'plaintext',
    'title',
    'html',
    'body',
    'x-y',
    'a b',
    '',
    '*',
  ]) {
    const { code, message } = await errorOf(sanitizeHtml('a', { tags: [tag] }))
    t.is(code, 'ERR_INVALID_ARG_VALUE', tag)
    t.regex(message, /^The "options\.tags" property must not have a tag that could run/)
  }
  for (const name of [
    'onclick',
    'ONERROR',
    'style',
    'srcdoc',
    'formaction',
    'form',
    'ping',
    'http-equiv',
    'is',
    'slot',
    'srcset',
    'imagesrcset',
    'attributionsrc',
    'archive',
    'xlink:href',
    'xmlns',
    'action',
    'a b',
    '',
    'a=b',
    'a>',
  ]) {
    for (const tag of ['*', 'a']) {
      t.is((await errorOf(sanitizeHtml('a', { attributes: { [tag]: [name] } }))).code, 'ERR_INVALID_ARG_VALUE', name)
    }
  }
  const { code, message } = await errorOf(sanitizeHtml('a', { attributes: { script: ['src'] } }))
  t.is(code, 'ERR_INVALID_ARG_VALUE')
  t.regex(message, /^The "options\.attributes" property must not have a tag/)
})

test('lists beside the default', async (t) => {
  const options = { extendDefaults: true, tags: ['font'], attributes: { code: ['class'], font: ['color'] } }
  t.is(
    await sanitizeHtml('<font color=red class=a>x</font><code class=b title=c onclick=d>y</code>', options),
    '<font color="red">x</font><code class="b" title="c">y</code>',
  )
  t.is(await sanitizeHtml('<b>x</b><font>y</font>', { extendDefaults: true, tags: ['font'] }), '<b>x</b><font>y</font>')
  t.is(await sanitizeHtml('<b title=x>y</b>', { extendDefaults: true }), '<b title="x">y</b>')
})

test('attributes with addresses', async (t) => {
  const run = '&#1;java&Tab;script:x'
  const all = { attributes: { '*': ['cite', 'longdesc', 'src', 'poster', 'href', 'usemap', 'itemtype', 'profile'] } }
  for (const name of all.attributes['*']) {
    t.is(await sanitizeHtml(`<img ${name}="${run}">`, all), '<img>', name)
    t.is(await sanitizeHtml(`<img ${name}="https://a">`, all), `<img ${name}="https://a">`, name)
  }
  t.is(
    await sanitizeHtml(`<q cite="${run}">x</q><blockquote cite="${run}">y</blockquote>`),
    '<q>x</q><blockquote>y</blockquote>',
  )
  t.is(
    await sanitizeHtml('<area href=x target=_blank rel=opener>', { attributes: { area: ['href', 'target'] } }),
    '<area href="x" target="_blank" rel="noopener noreferrer">',
  )
})

test('writing stops, in every form', async (t) => {
  // The output is a hundred times as long: parsing, which is one step, is the least of it.
  const html = '<blockquote>'.repeat(250) + 'x<br>'.repeat(2 ** 18)
  const pool = new Pool({ threads: 1 })
  for (const convert of [
    () => htmlToMarkdown(html, { pool, timeout: 100 }),
    () => htmlToMarkdownAsync(html, { timeout: 100 }),
  ]) {
    t.is((await errorOf(convert())).code, 'ERR_TASK_TIMEOUT')
  }
  t.throws(() => htmlToMarkdownSync(html, { timeout: 100 }), { code: 'ERR_TASK_TIMEOUT' })
  const controller = new AbortController()
  const stopped = htmlToMarkdown(html, { pool, signal: controller.signal, onProgress: () => controller.abort() })
  t.is((await errorOf(stopped)).name, 'AbortError')
  t.is(await htmlToMarkdown('<b>x</b>', { pool }), '**x**')
  await pool.close()
})

test('longer output than there may be', async (t) => {
  const html = '<blockquote>'.repeat(250) + 'x<br>'.repeat(2 ** 20)
  t.is((await errorOf(htmlToMarkdown(html))).code, 'ERR_OUTPUT_TOO_LARGE')
})

test('lists that are none', async (t) => {
  for (const options of [
    { tags: 'p' },
    { tags: [1] },
    { tags: { p: 1 } },
    { tags: null },
    { attributes: ['a'] },
    { attributes: new Map([['b', ['title']]]) },
    { attributes: new Set(['b']) },
    { tags: new Map() },
    { attributes: { a: 'href' } },
    { attributes: { a: [1] } },
    { attributes: null },
  ]) {
    t.is((await errorOf(sanitizeHtml('a', options))).code, 'ERR_INVALID_ARG_TYPE', JSON.stringify(options))
  }
  const many = Array.from({ length: 1001 }, () => 'p')
  t.is((await errorOf(sanitizeHtml('a', { tags: many }))).code, 'ERR_INVALID_ARG_VALUE')
})

test('HTML as Markdown', async (t) => {
  for (const [html, markdown] of [
    ['<h1>a</h1><p>b <b>c</b> <i>d</i> <code>e</code></p>', '# a\n\nb **c** *d* `e`'],
    ['<a href="b">a</a> <img src="c" alt="d">', '[a](b) ![d](c)'],
    ['<blockquote><p>a</p></blockquote><hr>', '> a\n\n* * *'],
    ['<pre><code class="language-js">a\n  b</code></pre>', '```js\na\n  b\n```'],
    ['<script>a</script><style>b</style><head><title>c</title></head>d', 'd'],
    ['1. a *b* _c_', '1\\. a \\*b\\* \\_c\\_'],
    ['', ''],
  ]) {
    for (const convert of [htmlToMarkdown, htmlToMarkdownSync, htmlToMarkdownAsync]) t.is(await convert(html), markdown)
  }
  t.regex(
    await htmlToMarkdown('<table><tr><th>a<th>b<tr><td>c<td>d</table>'),
    /^\| a \| b \|\n\| -+ \| -+ \|\n\| c \| d \|/,
  )
  t.regex(await htmlToMarkdown('<ul><li>a<ul><li>b</ul></ul><ol start=3><li>c</ol>'), /^\* +a\n +\* +b\n+3\. +c$/)
})

test('what parsers would need minutes for is refused', async (t) => {
  const attributes = Array.from({ length: 100_000 }, (_, index) => `a${index}`).join(' ')
  for (const html of [
    '<div>'.repeat(1e5),
    '<b>'.repeat(1e5),
    '<ul><li>'.repeat(1e5),
    '<svg>'.repeat(1e5),
    `<a ${attributes}>`,
    `${Array.from({ length: 250 }, (_, index) => `<font size=${index}>`).join('')}${'<font size=x></font>'.repeat(50_000)}`,
    'a'.repeat(2 ** 23 + 1),
  ]) {
    for (const kernel of [sanitizeHtml, htmlToMarkdown])
      t.is((await errorOf(kernel(html))).code, 'ERR_INVALID_DATA', html.slice(0, 8))
  }
  for (const html of [
    '<p>',
    '<',
    '&',
    '<br>',
    '<li>x',
    '<!-- -->',
    '</div>',
    '<frameset>',
    '<em>a</em>',
    '<table>x',
  ].map((piece) => piece.repeat(1e5))) {
    t.is(typeof (await sanitizeHtml(html)), 'string')
    t.is(typeof (await htmlToMarkdown(html)), 'string')
  }
})
