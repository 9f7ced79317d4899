// What editors show: every export of the declarations is documented, with an example that compiles, and functions say what their errors are.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import ts from 'typescript'
import { root } from '../helpers/root.mjs'

const require = createRequire(import.meta.url)
/** Of no use by themselves: the signatures of executors are made of them. */
const PARTS = ['KernelName', 'Kernel', 'KernelForm', 'KernelInput', 'KernelOutput', 'KernelOptions']

const file = join(root, 'index.d.ts')
const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true)
/** The first declaration of each export: of overloads, the one that is documented. @type {Map<string, ts.Statement>} */
const declarations = new Map()
for (const statement of source.statements) {
  const isExported =
    ts.canHaveModifiers(statement) &&
    ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
  if (!isExported || ts.isModuleDeclaration(statement)) continue
  const { name } = ts.isVariableStatement(statement) ? statement.declarationList.declarations[0] : statement
  if (!declarations.has(name.text)) declarations.set(name.text, statement)
}

test('every export is documented, and so is each of its members that has a unit', (t) => {
  t.true(declarations.size > 40)
  for (const [name, statement] of declarations) {
    if (PARTS.includes(name)) continue
    t.not(textOf(statement), '', name)
    t.true(examplesOf(statement).length > 0 || /^\w+Options$/.test(name), `${name} has no example`)
    const isCall = ts.isFunctionDeclaration(statement)
    if (isCall) t.regex(textOf(statement), /\bERR_|The same errors/, name)
    for (const member of ts.isInterfaceDeclaration(statement) ? statement.members : []) {
      if (name !== 'Kernels' && name !== 'Percentiles' && member.name?.kind === ts.SyntaxKind.Identifier) {
        t.not(textOf(member), '', `${name}.${member.name.text}`)
      }
    }
  }
})

test('the examples compile', (t) => {
  const all = [...declarations].flatMap(([name, statement]) => [
    ...examplesOf(statement).map((text) => ({ name, text })),
    ...(ts.isClassDeclaration(statement)
      ? statement.members.flatMap((member) => examplesOf(member).map((text) => ({ name: `${name}_member`, text })))
      : []),
  ])
  const folder = mkdtempSync(join(tmpdir(), 'heavy-load-examples-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules/heavy-load'), 'junction')
  symlinkSync(join(root, 'node_modules/@types'), join(folder, 'node_modules/@types'), 'junction')
  const [modules, calls] = [/^declare module/, /^(?!declare module)/].map((kind) =>
    all.filter(({ text }) => kind.test(text)),
  )
  const functions = calls.map(({ name, text }, number) => `export async function ${name}_${number}() {\n${text}\n}\n`)
  writeFileSync(
    join(folder, 'examples.mts'),
    `import { createReadStream } from 'node:fs'
import { ${[...declarations.keys()].join(', ')} } from 'heavy-load'
declare const pool: Pool
${modules.map(({ text }) => text).join('\n')}
${functions.join('')}`,
  )
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2024', 'esnext.disposable'],
    strict: true,
    noEmit: true,
    types: ['node'],
    skipLibCheck: true,
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
  writeFileSync(join(folder, 'package.json'), '{}')
  const { status, stdout } = spawnSync(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', folder], {
    encoding: 'utf8',
  })
  t.is(status, 0, stdout)
})

/** @param {ts.Node} node */
function textOf(node) {
  return ts
    .getJSDocCommentsAndTags(node)
    .map((comment) => ts.getTextOfJSDocComment(comment.comment) ?? '')
    .join('\n')
}

/** @param {ts.Node} node */
function examplesOf(node) {
  return ts
    .getJSDocTags(node)
    .filter(({ tagName }) => tagName.text === 'example')
    .map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? '')
}
