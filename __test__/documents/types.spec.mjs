// What documents show compiles: names, options and their types are those that there are.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import ts from 'typescript'
import { blocksOf, DOCUMENTS, folderOf, isCommonJs } from '../helpers/documents.mjs'
import { root } from '../helpers/root.mjs'

/** Where the blocks would be, if they were files. */
const folder = join(root, '__test__/documents/blocks')
/** What blocks may use without saying where it is from. */
const names = join(root, '__test__/documents/names.d.ts')

const blocks = DOCUMENTS.flatMap(blocksOf).filter(({ only }) => only !== 'nothing')
const files = new Map(blocks.map((block) => [fileOf(block), block]))

/** What TypeScript wants to be told of a value, and JavaScript does not. */
const OF_TYPESCRIPT = /'unknown'|'reason' does not exist|'string \| AddressInfo'|\| Signals/

test('every code block compiles', (t) => {
  t.timeout(120_000)
  t.true(blocks.length > 20)
  const { options } = ts.parseJsonConfigFileContent(
    {
      compilerOptions: {
        target: 'es2023',
        lib: ['es2024', 'esnext.disposable'],
        module: 'node20',
        strict: true,
        noImplicitAny: false,
        strictNullChecks: false,
        noEmit: true,
        types: ['node'],
        skipLibCheck: true,
        // Packages without declarations are `any`.
        moduleDetection: 'force',
      },
    },
    ts.sys,
    root,
  )
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, directoryExists } = host
  host.fileExists = (path) => files.has(path) || fileExists(path)
  host.directoryExists = (path) => path.startsWith(folder) || directoryExists(path)
  host.readFile = (path) => (files.has(path) ? compiled(files.get(path)) : readFile(path))
  host.getSourceFile = (path, settings) => {
    const text = host.readFile(path)
    return text === undefined ? undefined : ts.createSourceFile(path, text, settings)
  }
  const program = ts.createProgram([...files.keys(), names], options, host)
  const faults = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const text = ts.flattenDiagnosticMessageText(messageText, '\n')
    if (file === undefined) return text
    const { line } = file.getLineAndCharacterOfPosition(start)
    const block = files.get(file.fileName)
    // Who writes JavaScript is not asked what it is.
    if (block?.language === 'js' && OF_TYPESCRIPT.test(text)) return undefined
    return block === undefined
      ? `${file.fileName}:${line + 1}: ${text}`
      : `${block.document}:${block.line + line}: ${text}`
  })
  t.deepEqual(
    faults.filter((fault) => fault !== undefined),
    [],
  )
})

test('each npm script and command that a document names is there', (t) => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  for (const document of DOCUMENTS) {
    const text = readFileSync(join(root, document), 'utf8')
    for (const [, name] of text.matchAll(/npm run ([\w:]+)/g)) t.true(name in scripts, `${document}: npm run ${name}`)
    for (const [, name] of text.matchAll(/npx heavy-load (\w+)/g)) {
      t.true(existsSync(join(root, `lib/cli/${name}.js`)), `${document}: heavy-load ${name}`)
    }
  }
})

function fileOf(block) {
  const extension = isCommonJs(block) ? 'cts' : 'mts'
  const name = block.name?.replace(/\.[cm]?[jt]s$/, '') ?? `line-${block.line}`
  return join(folder, folderOf(block.document), `${name}.${extension}`)
}

/** As TypeScript: there, only an import has the types of what it imports. On as many lines. */
function compiled({ text }) {
  return text
    .replace(/^module\.exports =/m, 'export =')
    .replace(
      /^const (\{.*\}) = require\((.*)\)/gm,
      (_, taken, from) => `import ${taken.replaceAll(':', ' as')} from ${from}`,
    )
    .replace(/^const (\w+) = require\((.*)\)/gm, 'import $1 = require($2)')
}
