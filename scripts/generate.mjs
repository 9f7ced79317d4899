// Writes what follows from what kernels say of themselves: of the built-in ones exports, types, the README's table and
// docs/reference/kernels.md; of each pack its types and the reference in its README, and which kernel is of which pack. CI fails on drift.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { PACKS } from './packs.mjs'

const root = dirname(import.meta.dirname)
const require = createRequire(import.meta.url)
const { kernels } = require('../lib/native.js')
const {
  comment,
  genericOf,
  importsFor,
  kernelTypes,
  optionsInterface,
  poolInput,
  signaturesOf,
} = require('../lib/cli/declarations.js')
const specs = kernels()

/** Of each kernel a call, for its examples: what its result is called and of which type, its input and its own options. */
const CALLS = {
  heavyLoad: ['count: number', '1e9'],
  heavyLoadShared: ['view: Uint32Array', 'new Uint32Array(new SharedArrayBuffer(1024))', 'rounds: 10'],
  spin: ['ms: number', '5'],
  hash: ['digest: string', "Buffer.from('text')", "algorithm: 'sha256', encoding: 'hex'"],
  sort: ['sorted: Float64Array', 'Float64Array.of(3, 1, 2)'],
}

for (const { name } of specs) {
  if (CALLS[name] === undefined) throw new Error(`scripts/generate.mjs: CALLS lacks a call of ${name}`)
}
section('index.js', 'kernels', '//', exportsOf(specs))
section('index.d.ts', 'calls', '//', callsOf(specs))
section('types/remote.d.ts', 'calls', '//', callsOf(specs, true))
section('index.d.ts', 'kernels', '//', `${specs.map(typesOf).join('\n')}\n${mapOf(specs)}${byNameOf(specs)}`)
section('README.md', 'kernels', '<!--', tableOf(specs))
section('docs/reference/kernels.md', 'kernels', '<!--', `\n${specs.map((spec) => referenceOf(spec)).join('\n')}\n`)
const { loadPack } = require('../lib/packs.js')
const packs = PACKS.map((pack) => ({ pack, specs: specsOf(loadPack(pack)) }))
write('lib/pack-kernels.js', packOfKernels(packs))
for (const { pack, specs } of packs) {
  write(`packs/${pack}/index.d.ts`, moduleOfPack(pack, specs))
  const references = specs.map((spec) =>
    referenceOf(
      spec,
      formsOf(pack, spec).map(({ signature }) => signature),
    ),
  )
  section(`packs/${pack}/README.md`, 'kernels', '<!--', `\n${references.join('\n')}\n`)
}
const written = ['index.js', 'lib/pack-kernels.js', 'index.d.ts', 'types/remote.d.ts']
const formatted = [...written, ...PACKS.map((pack) => `packs/${pack}/index.d.ts`)]
spawnSync('npx', ['biome', 'format', '--write', ...formatted], { cwd: root, stdio: 'inherit' })

/** What the kernels of these names say of themselves. */
function specsOf(names) {
  return kernels().filter(({ name }) => names.includes(name))
}

function packOfKernels(packs) {
  const entries = packs.flatMap(({ pack, specs }) => specs.map(({ name }) => `  ['${name}', '${pack}'],\n`))
  return `'use strict'

// Generated from the packs' own tables by \`npm run generate\`: the pack that a kernel is of.

module.exports = new Map([
${entries.join('')}])
`
}

/** The forms of a kernel that its pack exports, by whatever name. */
function formsOf(pack, spec) {
  const entry = Object.entries(require(`../packs/${pack}/index.js`)).filter(([, form]) => form.kernel === spec.name)
  return entry.map(([name, form]) => {
    const number = ['', 'Sync', 'Async'].findIndex((suffix) => form.name === `${spec.name}${suffix}`)
    return { name, number, signature: signaturesOf(spec)[number].replace(/^\w+/, name) }
  })
}

/** A pack's declarations: what its entry exports, as its kernels say that these forms are. */
function moduleOfPack(pack, specs) {
  const threads = ['the threads of a pool', 'the calling thread', "libuv's thread pool, as an N-API AsyncTask"]
  const forms = specs.flatMap((spec) =>
    formsOf(pack, spec).map(({ name, number, signature }) => {
      const where = `on ${threads[number]}.`
      const docs = name === spec.name ? `${spec.docs}\n\nRuns ${where}` : `{@link ${spec.name}} ${where}`
      return `${comment(docs)}\nexport function ${signature}\nexport namespace ${name} {\n  const kernel: '${spec.name}'\n}\n`
    }),
  )
  const all = specs.map(optionsInterface).join('\n') + forms.join('\n')
  return `// Generated from the pack's own table by \`npm run generate\`.

${importsFor(all, '../../index.js')}

${all}
// For \`pool.run('name', input)\` and \`pool.map\`.
declare module '../../index.js' {
  interface Kernels {
${specs.map(kernelTypes).join('')}  }
}
`
}

function exportsOf(specs) {
  const lines = specs.map(
    ({ name }) =>
      `module.exports.${name} = pooled('${name}')\nmodule.exports.${name}Sync = synchronous('${name}')\nmodule.exports.${name}Async = asynchronous('${name}')\n`,
  )
  return lines.join('\n')
}

function typesOf(spec) {
  const { name, docs } = spec
  const where = ['a pool', 'the calling thread', "libuv's thread pool, as an N-API AsyncTask"]
  const forms = signaturesOf(spec).map((signature, number) => {
    const link = `{@link ${name}} on ${where[number]}`
    const about = number === 0 ? `${docs}\n\nRuns on the threads of a pool.` : `${link}. The same errors.`
    const first = comment(`${about}\n\n@example\n${exampleOf(name, number)}`)
    return overloadsOf(spec, signature)
      .map(({ when, overload }) => `${when === '' ? first : `/** ${link}, ${when}. */`}\nexport function ${overload}\n`)
      .join('')
  })
  return `${optionsInterface(spec)}${forms.join('')}${['', 'Sync', 'Async'].map((form) => `export namespace ${name}${form} {\n  const kernel: '${name}'\n}\n`).join('')}`
}

/** A call of a kernel's form. */
function exampleOf(name, number) {
  const [result, input, own] = CALLS[name]
  const form = ['', 'Sync', 'Async'][number]
  const options = [own, number === 1 ? undefined : 'timeout: 2000'].filter(Boolean).join(', ')
  return `const ${result} = ${number === 1 ? '' : 'await '}${name}${form}(${input}${options && `, { ${options} }`})`
}

/**
 * Where a literal option chooses what a call gives: a signature for those that choose one thing, one for the others, and one for options that
 * are known only when it runs. A single one with a type parameter would do for calls, but is not assignable to the type of such overloads.
 */
function overloadsOf({ typeParameter, outputType, options }, signature) {
  const [, option] = /^\w+ extends \w+\['(\w+)'\]/.exec(typeParameter) ?? []
  if (option === undefined) return [{ when: '', overload: signature }]
  const [, parameter, literals, chosen, otherwise] = /^(\w+) extends (.*) \? (.*) : (.*)$/.exec(outputType)
  const all = options.find(({ name }) => name === option).tsType.split(' | ')
  const others = all.filter((literal) => !literals.split(' | ').includes(literal)).join(' | ')
  const overload = (own, output) =>
    signature
      .replace(`<${typeParameter}>`, '')
      .replace(` & { ${option}?: ${parameter} }`, own)
      .replace(outputType, output)
  return [
    { when: '', overload: overload(` & { ${option}: ${literals} }`, chosen).replace('options?:', 'options:') },
    {
      when: `where \`${option}\` is ${others} or left out`,
      overload: overload(` & { ${option}?: ${others} | undefined }`, otherwise),
    },
    { when: `where \`${option}\` may be any`, overload: overload('', `${chosen} | ${otherwise}`) },
  ]
}

/**
 * A pool's methods: for each kernel whose output depends on the call a signature of its own, which the general one could not say. A remote
 * pool takes no streams, and kernels that its workers alone know: none of those whose types are here, or what they do not take would pass.
 */
function callsOf(specs, isRemote = false) {
  const calls = specs
    .filter(({ typeParameter }) => typeParameter !== '')
    .map((spec) => ({
      ...spec,
      ...genericOf(spec),
      inputType: isRemote ? spec.inputType : poolInput(spec),
      kernel: `'${spec.name}' | KernelForm<'${spec.name}'>`,
    }))
  const input = "Kernels[K]['input']"
  calls.push({
    parameter: '<K extends keyof Kernels>',
    kernel: 'K | KernelForm<K>',
    input: 'input',
    inputType: isRemote ? `Exclude<${input}, ByteStream>` : input,
    own: " & Kernels[K]['options']",
    outputType: "Kernels[K]['output']",
  })
  if (isRemote) {
    calls.push({
      parameter: '<K extends KernelName>',
      // K is inferred from the function's own kernel, and then has to be none that is declared.
      kernel: 'UndeclaredKernel<K> | (Kernel<K> & Kernel<UndeclaredKernel<K>>)',
      input: 'input',
      inputType: 'any',
      own: ' & Record<string, any>',
      outputType: 'any',
    })
  }
  const pool = isRemote ? 'remote' : 'pool'
  const errors = `Errors: those of the kernel; ERR_UNKNOWN_KERNEL, ABORT_ERR, ERR_TASK_TIMEOUT, ERR_POOL_OVERLOADED, ERR_POOL_CLOSED${isRemote ? ', ERR_REMOTE' : ''}.`
  const docs = [
    `Runs a kernel, given by its name or by its function, on this pool.\n\n${errors}\n\n@example\nconst digest: string = await ${pool}.run('hash', Buffer.from('text'), { encoding: 'hex', timeout: 2000 })`,
    `Runs a kernel over many inputs, as {@link Executor.map} says.\n\n${errors} The error of an input has its \`index\`.\n\n@example\nfor await (const { index, value } of ${pool}.map('heavyLoad', [1e6, 2e6])) console.log(index, value)`,
  ].map((text) => `${comment(text)}\n`)
  const run = calls.map(
    ({ parameter, kernel, input, inputType, own, outputType }) =>
      `run${parameter}(kernel: ${kernel}, ${input}: ${inputType}, options?: RunOptions${own}): Promise<${outputType}>\n`,
  )
  const map = calls.map(
    ({ parameter, kernel, inputType, own, outputType }) =>
      `map${parameter}(kernel: ${kernel}, inputs: MapInputs<${inputType}>, options?: MapOptions${own}): AsyncIterableIterator<{ index: number; value: ${outputType} }>\n`,
  )
  return [docs[0], ...run, docs[1], ...map].join('')
}

function mapOf(specs) {
  const lines = specs.map(kernelTypes)
  const example = `declare module 'heavy-load' {
  interface Kernels {
    countPrimes: { input: number; options: { segment?: number }; output: number }
  }
}`
  const docs = comment(
    `Every kernel's types, by name. Kernels of your own can be declared here, too.\n\n@example\n${example}`,
  )
  return `${docs}\nexport interface Kernels {\n${lines.join('')}}\n`
}

/** The function that gives a kernel's pool form. */
function byNameOf(specs) {
  const signatures = [
    ...specs.map(({ name }) => `(name: '${name}'): typeof ${name}`),
    "<K extends keyof Kernels>(name: K): ((input: Kernels[K]['input'], options?: TaskOptions & Kernels[K]['options']) => Promise<Kernels[K]['output']>) & { readonly kernel: K }",
    '(name: string): ((input: any, options?: any) => Promise<any>) & { readonly kernel: string }',
  ]
  const comment = `/**
 * The pool form of a kernel by its name: \`kernel('hash')\` is {@link hash}. Errors: ERR_INVALID_ARG_TYPE, ERR_UNKNOWN_KERNEL, thrown.
 *
 * @example
 * const count: number = await kernel('heavyLoad')(1e6, { timeout: 2000 })
 */`
  return `\n${comment}\n${signatures.map((signature) => `export function kernel${signature}\n`).join('')}`
}

function tableOf(specs) {
  const rows = specs.map(({ name, input, options, summary }) => {
    const own = options.map((option) => option.name).join(', ')
    return `| \`${name}(${input}${own && `, { ${own} }`})\` | ${summary} |`
  })
  return `| call | what it does |\n|---|---|\n${rows.join('\n')}\n`
}

/** A kernel's section of the reference. */
function referenceOf(spec, signatures = signaturesOf(spec)) {
  const { name, docs, options } = spec
  // In a table, a bar would end the cell.
  const rows = options.map(
    ({ name, tsType, docs }) => `| \`${name}\` | \`${tsType.replaceAll('|', '\\|')}\` | ${docs} |\n`,
  )
  const table =
    rows.length > 0 ? `| option | type | what it is |\n|---|---|---|\n${rows.join('')}` : 'No options of its own.\n'
  return `## ${name}\n\n${docs}\n\n${table}\n\`\`\`ts\n${signatures.join('\n')}\n\`\`\`\n`
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
