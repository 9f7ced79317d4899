// The code blocks of the documents that users read, and what is to be done with each.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './root.mjs'

/** Documents whose code blocks are checked, by their paths from the root. */
export const DOCUMENTS = [
  'README.md',
  ...readdirSync(join(root, 'docs/guides')).map((name) => `docs/guides/${name}`),
  ...readdirSync(join(root, 'packs')).map((name) => `packs/${name}/README.md`),
]

/**
 * A code block. `only`: 'types' if it is compiled and not run, 'nothing' if neither. `asks`: requests for the server that it starts.
 * `name`: the file that others of the document know it by. `prints`: what its calls of console.log are to print.
 * @typedef {{ document: string, line: number, language: string, text: string, name?: string, only?: string, asks: string[], prints: string[] }} Block
 */

/**
 * The blocks of a document in JavaScript and TypeScript. A comment `<!-- example: ... -->` before a block says what is special about it:
 * `types` and `nothing`, each with the reason after a colon, or requests, `;` between them: `GET /path 200`, `POST /path {"a":1} 401`.
 * @param {string} document its path from the root
 * @returns {Block[]}
 */
export function blocksOf(document) {
  const blocks = []
  let block
  let mark = ''
  // Signatures, made from the declarations.
  let isGenerated = false
  for (const [index, line] of readFileSync(join(root, document), 'utf8').split('\n').entries()) {
    if (block !== undefined) {
      if (line === '```') {
        if (/^(js|ts)$/.test(block.language) && !isGenerated) blocks.push(finished(block))
        block = undefined
      } else block.lines.push(line)
    } else if (line.startsWith('```')) {
      block = { document, line: index + 2, language: line.slice(3), lines: [], mark }
      mark = ''
    } else if (line !== '') {
      if (line.startsWith('<!-- generated')) isGenerated = true
      if (line.startsWith('<!-- end of generated')) isGenerated = false
      mark = /^<!-- example: (.*) -->$/.exec(line)?.[1] ?? ''
    }
  }
  return blocks
}

/** @returns {Block} */
function finished({ document, line, language, lines, mark }) {
  const text = `${lines.join('\n')}\n`
  const only = /^(types|nothing): ./.exec(mark)?.[1]
  return {
    document,
    line,
    language,
    text,
    only,
    name: /^\/\/ ([\w.-]+\.[cm]?[jt]s)\b/.exec(text)?.[1],
    asks: only === undefined && mark !== '' ? mark.split('; ') : [],
    prints: [...text.matchAll(/^ *console\.log\(.*\) \/\/ (.*)$/gm)].map(([, printed]) => printed),
  }
}

/** Whether it is CommonJS. */
export function isCommonJs({ text }) {
  return /\brequire\(|^module\.exports/m.test(text)
}

/** Whether it ends by itself although it has a server: a test does. */
export function endsByItself({ text }) {
  return text.includes("'node:test'")
}

/** A name for a document that may be a folder's. */
export function folderOf(document) {
  return document.replace(/\.md$/, '').replaceAll('/', '-')
}
