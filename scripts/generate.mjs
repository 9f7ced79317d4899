// Writes what follows from the kernel registry: exports, types and the README's kernel table. CI fails on drift.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)
const { kernels } = createRequire(import.meta.url)('../native.js')
const specs = kernels()

write('lib/kernels.js', exportsOf(specs))
section('index.d.ts', 'kernels', '//', `${specs.map(typesOf).join('\n')}\n${mapOf(specs)}`)
section('README.md', 'kernels', '<!--', tableOf(specs))
spawnSync('npx', ['biome', 'format', '--write', 'lib/kernels.js', 'index.d.ts'], { cwd: root, stdio: 'inherit' })

function exportsOf(specs) {
  const lines = specs.map(
    ({ name }) =>
      `exports.${name} = pooled('${name}')\nexports.${name}Sync = synchronous('${name}')\nexports.${name}Async = asynchronous('${name}')\n`,
  )
  return `'use strict'

// Generated from the registry in src/kernels by \`npm run generate\`.

const { asynchronous, pooled, synchronous } = require('./forms.js')

${lines.join('\n')}`
}

function typesOf({ name, docs, typeParameter, input, inputType, streams, outputType, options }) {
  const generic = typeParameter && `<${typeParameter}>`
  const own = options.map(({ name, tsType, docs }) => `  /** ${docs} */\n  ${name}?: ${tsType}\n`)
  const type = optionsType(name)
  const also = own.length > 0 ? ` & ${type}` : ''
  const comment = (text) =>
    `/**\n${text
      .split('\n')
      .map((line) => ` * ${line}`.trimEnd())
      .join('\n')}\n */`
  return `${own.length > 0 ? `export interface ${type} {\n${own.join('')}}\n` : ''}${comment(`${docs}\n\nRuns on the threads of a pool.`)}
export function ${name}${generic}(${input}: ${poolInput({ inputType, streams })}, options?: TaskOptions${also}): Promise<${outputType}>
/** {@link ${name}} on the calling thread. */
export function ${name}Sync${generic}(${input}: ${inputType}, options?: SyncOptions${also}): ${outputType}
/** {@link ${name}} on libuv's thread pool, as an N-API AsyncTask. */
export function ${name}Async${generic}(${input}: ${inputType}, options?: AsyncOptions${also}): Promise<${outputType}>
export namespace ${name} {
  const kernel: '${name}'
}
`
}

/** What a kernel takes on a pool. */
function poolInput({ inputType, streams }) {
  return streams ? `${inputType} | ByteStream` : inputType
}

function mapOf(specs) {
  const lines = specs.map(({ name, typeParameter, inputType, streams, outputType, options }) => {
    // Of a kernel with a type parameter, the bound.
    const [parameter, bound] = typeParameter.split(' extends ')
    const typeOf = (type) => (bound && type === parameter ? bound : type)
    const type = options.length > 0 ? optionsType(name) : 'object'
    return `  ${name}: { input: ${poolInput({ inputType: typeOf(inputType), streams })}; options: ${type}; output: ${typeOf(outputType)} }\n`
  })
  return `/** Every kernel's types, by name. */\nexport interface Kernels {\n${lines.join('')}}\n`
}

function optionsType(name) {
  return `${name[0].toUpperCase()}${name.slice(1)}Options`
}

function tableOf(specs) {
  const rows = specs.map(({ name, input, options, summary }) => {
    const own = options.map((option) => option.name).join(', ')
    return `| \`${name}(${input}${own && `, { ${own} }`})\` | ${summary} |`
  })
  return `| call | what it does |\n|---|---|\n${rows.join('\n')}\n`
}

/** Replaces what stands between a file's two marks. */
function section(file, name, comment, text) {
  const [open, close] = comment === '<!--' ? ['<!-- ', ' -->'] : ['// ', '']
  const [start, end] = [`${open}generated: ${name}${close}\n`, `${open}end of generated: ${name}${close}\n`]
  const before = readFileSync(join(root, file), 'utf8')
  const [from, to] = [before.indexOf(start), before.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${file} lacks the marks of "${name}"`)
  write(file, `${before.slice(0, from + start.length)}${text}${before.slice(to)}`)
}

function write(file, text) {
  writeFileSync(join(root, file), text)
}
