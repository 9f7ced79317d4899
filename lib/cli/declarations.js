'use strict'

/** TypeScript of kernels' forms, from what kernels say of themselves. */

/** @typedef {import('../../native.js').KernelSpec} KernelSpec */

/**
 * A kernel's three forms, as signatures.
 * @param {KernelSpec} spec
 * @returns {[string, string, string]}
 */
function signaturesOf(spec) {
  const { name, input, inputType, outputType } = spec
  const { parameter, own } = genericOf(spec)
  const options = spec.options.some(({ required }) => required) ? 'options' : 'options?'
  return [
    `${name}${parameter}(${input}: ${poolInput(spec)}, ${options}: TaskOptions${own}): Promise<${outputType}>`,
    `${name}Sync${parameter}(${input}: ${inputType}, ${options}: SyncOptions${own}): ${outputType}`,
    `${name}Async${parameter}(${input}: ${inputType}, ${options}: AsyncOptions${own}): Promise<${outputType}>`,
  ]
}

/**
 * The types of a kernel's signatures that depend on its type parameter, which is the input's or an option's.
 * @param {KernelSpec} spec
 */
function genericOf({ name, typeParameter, options }) {
  const option = /^(\w+) extends \w+\['(\w+)'\]/.exec(typeParameter)
  return {
    parameter: typeParameter && `<${typeParameter}>`,
    own: `${options.length > 0 ? ` & ${optionsType(name)}` : ''}${option ? ` & { ${option[2]}?: ${option[1]} }` : ''}`,
  }
}

/**
 * What a kernel takes on a pool.
 * @param {Pick<KernelSpec, 'inputType' | 'streams'>} spec
 */
function poolInput({ inputType, streams }) {
  return streams ? `${inputType} | ByteStream` : inputType
}

/** @param {string} name a kernel's */
function optionsType(name) {
  return `${name[0].toUpperCase()}${name.slice(1)}Options`
}

/**
 * A kernel's own options as an interface; nothing if it has none.
 * @param {KernelSpec} spec
 */
function optionsInterface({ name, options }) {
  if (options.length === 0) return ''
  const members = options.map(
    ({ name, tsType, docs, required }) =>
      `  /** ${inComment(docs)} */\n  ${name}${required ? `: ${tsType}` : `?: ${tsType} | undefined`}\n`,
  )
  const docs = `/** What \`${name}\` takes beside the options of every task. */`
  return `${docs}\nexport interface ${optionsType(name)} {\n${members.join('')}}\n`
}

/**
 * A text that cannot end the comment in which it stands.
 * @param {string} text
 */
function inComment(text) {
  return text.replaceAll('*/', '*\\/')
}

/** @param {string} text */
function comment(text) {
  const lines = inComment(text).split('\n')
  return `/**\n${lines.map((line) => ` * ${line}`.trimEnd()).join('\n')}\n */`
}

/**
 * A kernel's entry in the interface `Kernels`.
 * @param {KernelSpec} spec
 */
function kernelTypes({ name, typeParameter, inputType, streams, outputType, options }) {
  // Of a kernel with a type parameter, all that it may be.
  const [parameter, bound] = typeParameter.split(' extends ')
  const typeOf = (/** @type {string} */ type) =>
    bound && type === parameter ? bound : type.replace(/^\w+ extends .* \? (.*) : (.*)$/, '$1 | $2')
  const type = options.length > 0 ? optionsType(name) : 'object'
  return `  ${name}: { input: ${poolInput({ inputType: typeOf(inputType), streams })}; options: ${type}; output: ${typeOf(outputType)} }\n`
}

/**
 * The import of those of our types that declarations use: one that is not used is an error in some projects.
 * @param {string} declarations
 * @param {string} module
 */
function importsFor(declarations, module) {
  const types = ['AsyncOptions', 'Bytes', 'FrozenBuffer', 'NumericView', 'SyncOptions', 'TaskOptions']
  const used = types.filter((name) => new RegExp(`\\b${name}\\b`).test(declarations))
  return `import type { ${used.join(', ')} } from '${module}'`
}

/**
 * A module that declares the kernels of a plug-in.
 * @param {KernelSpec[]} specs
 * @param {string} title
 */
function moduleOf(specs, title) {
  const forms = specs.flatMap((spec) => {
    const [pooled, synchronous, asynchronous] = signaturesOf(spec)
    const { name, docs } = spec
    return [
      `${comment(`${docs}\n\nRuns on the threads of a pool.`.trim())}\n${pooled}`,
      `/** {@link LoadedKernels.${name}} on the calling thread. */\n${synchronous}`,
      `/** {@link LoadedKernels.${name}} on libuv's thread pool. */\n${asynchronous}`,
    ]
  })
  const body = forms.map((form) => form.replace(/^/gm, '  ')).join('\n')
  const all = specs.map(optionsInterface).join('') + body
  return `// ${title.replace(/\s+/g, ' ')}
${importsFor(all, 'heavy-load')}

${specs.map(optionsInterface).join('\n')}
/** What \`loadKernels\` gives: \`loadKernels<LoadedKernels>(file)\`. */
export interface LoadedKernels {
${body}
}

// For \`pool.run('name', input)\` and \`pool.map\`.
declare module 'heavy-load' {
  interface Kernels {
${specs.map((spec) => `  ${kernelTypes(spec)}`).join('')}  }
}
`
}

module.exports = {
  comment,
  genericOf,
  importsFor,
  kernelTypes,
  moduleOf,
  optionsInterface,
  optionsType,
  poolInput,
  signaturesOf,
}
