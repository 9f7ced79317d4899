// heavy-load/text beside marked, markdown-it, sanitize-html, turndown, RegExp and re2: the READMEs of node_modules, ours on two threads, the peers on the event loop.
//
//   npm run setup -- --packs && node benchmark/kernels/text.mjs
//
// re2 is built when it is installed, so it is none of the project's packages: `npm install --no-save re2` has it race, too.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import MarkdownIt from 'markdown-it'
import { marked } from 'marked'
import sanitize from 'sanitize-html'
import TurndownService from 'turndown'
import { race } from './race.mjs'

const RE2 = await import('re2').then(
  (module) => module.default,
  () => undefined,
)

process.env.HEAVY_LOAD_THREADS = '2'
const { Pool } = await import('heavy-load')
const { htmlToMarkdown, matchText, renderMarkdown, sanitizeHtml } = await import('heavy-load/text')

const pool = new Pool({ threads: 2, niceness: 0 })
const modules = join(import.meta.dirname, '..', '..', 'node_modules')
const readmes = readmesIn(modules)
const bytes = readmes.reduce((sum, text) => sum + text.length, 0)
console.log(`${readmes.length} READMEs, ${(bytes / 2 ** 20).toFixed(1)} MiB`)

const markdownIt = new MarkdownIt({ html: true, linkify: true })
const ours = (kernel, inputs, options) => Promise.all(inputs.map((input) => kernel(input, { ...options, pool })))
await race('Markdown to HTML, not sanitised', {
  'heavy-load': () => ours(renderMarkdown, readmes, { sanitize: false }),
  marked: async () => readmes.map((text) => marked.parse(text)),
  'markdown-it': async () => readmes.map((text) => markdownIt.render(text)),
})
await race('Markdown to HTML, sanitised', {
  'heavy-load': () => ours(renderMarkdown, readmes),
  'marked and sanitize-html': async () => readmes.map((text) => sanitize(marked.parse(text))),
})
const pages = readmes.map((text) => marked.parse(text))
await race('HTML, sanitised', {
  'heavy-load': () => ours(sanitizeHtml, pages),
  'sanitize-html': async () => pages.map((page) => sanitize(page)),
})
const turndown = new TurndownService()
await race('HTML to Markdown', {
  'heavy-load': () => ours(htmlToMarkdown, pages),
  turndown: async () => pages.map((page) => turndown.turndown(page)),
})
const all = readmes.join('\n')
for (const pattern of ['https?://[^\\s)]+', '\\b(\\w+)@(\\w+)\\.com\\b', '[Ee]rror|[Ww]arning']) {
  const count = [...all.matchAll(new RegExp(pattern, 'gu'))].length
  await race(
    `matches of ${pattern}: ${count}`,
    {
      'heavy-load': () => matchText(all, { pattern, limit: 1_000_000, pool }),
      RegExp: async () => [...all.matchAll(new RegExp(pattern, 'gu'))],
      ...(RE2 && { re2: async () => [...all.matchAll(new RE2(pattern, 'gu'))] }),
    },
    { check: (found) => assert.ok(found.length >= count * 0.9) },
  )
}
await pool.close()

/** Every package's README, scoped packages' too. */
function readmesIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap(({ name }) => {
    if (name.startsWith('.')) return []
    if (name.startsWith('@')) return readmesIn(join(folder, name))
    try {
      return [readFileSync(join(folder, name, 'README.md'), 'utf8')]
    } catch {
      return []
    }
  })
}
