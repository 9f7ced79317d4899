// What documents show runs, prints what they say, and the servers in them answer.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import { runFile } from '../helpers/child.mjs'
import { blocksOf, DOCUMENTS, endsByItself, folderOf, isCommonJs } from '../helpers/documents.mjs'
import { root } from '../helpers/root.mjs'

const names = pathToFileURL(join(root, '__test__/documents/names.mjs')).href
// Inside the checkout, so that 'heavy-load' is this package.
mkdirSync(join(root, 'target'), { recursive: true })
const folder = mkdtempSync(join(root, 'target/documents-'))
test.after.always(() => rmSync(folder, { recursive: true }))

for (const document of DOCUMENTS) {
  const blocks = blocksOf(document).filter(({ language }) => language === 'js')
  const here = join(folder, folderOf(document))
  mkdirSync(here)
  for (const { name, text } of blocks) if (name !== undefined) writeFileSync(join(here, name), text)
  for (const block of blocks.filter(({ only }) => only === undefined)) {
    test.serial(`${document}:${block.line}`, async (t) => {
      const file = join(here, block.name ?? `line-${block.line}.${isCommonJs(block) ? 'cjs' : 'mjs'}`)
      if (block.name === undefined) writeFileSync(file, block.text)
      const { code, signal, stdout, stderr } = await runFile(file, {
        flags: ['--import', names],
        env: { HEAVY_LOAD_ASKS: endsByItself(block) ? '' : JSON.stringify(block.asks), NODE_ENV: 'development' },
      })
      t.true(code === 0, `${signal ?? code}: ${stderr}`)
      if (block.prints.length > 0) t.deepEqual(stdout.trimEnd().split('\n'), block.prints)
    })
  }
}
