'use strict'

const { parse } = require('./arguments.js')
const { UsageError } = require('./errors.js')
const plugins = require('./kernels.js')

const USAGE = `Usage: heavy-load info [--json] [--kernels FILE]

Says which version this is, how many threads the default pool has, which kernels there are, and which of the packages
that heavy-load can work with are installed. FILE is a plug-in, whose kernels are there, too.
`

/** @param {string[]} args */
async function main(args) {
  const { values, positionals } = parse(args, { json: { type: 'boolean' }, ...plugins.OPTION })
  if (positionals.length > 0) throw new UsageError('info takes no arguments')
  plugins.loadFiles(values.kernels)
  const info = collect()
  process.stdout.write(values.json ? `${JSON.stringify(info, undefined, 2)}\n` : text(info))
}

function collect() {
  const { version, peerDependencies } = require('../../package.json')
  const { descriptions } = require('../catalog.js')
  const { loadPacks, packOf } = require('../packs.js')
  const { defaultPool } = require('../pool/index.js')
  loadPacks()
  // Declarations are no feature.
  const packages = Object.keys(peerDependencies).filter((name) => !name.startsWith('@types/'))
  return {
    version,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    threads: defaultPool.threads,
    HEAVY_LOAD_THREADS: process.env.HEAVY_LOAD_THREADS ?? null,
    kernels: descriptions().map(({ name, summary, options }) => ({
      name,
      summary,
      pack: packOf(name) ?? null,
      options: options.map(({ name }) => name),
    })),
    features: Object.fromEntries(packages.map((name) => [name, installed(name)])),
  }
}

/**
 * The version of a package, if it is there.
 * @param {string} name
 * @returns {string | null}
 */
function installed(name) {
  try {
    return require(`${name}/package.json`).version
  } catch {
    return null
  }
}

/** @param {ReturnType<typeof collect>} info */
function text({ version, node, platform, threads, HEAVY_LOAD_THREADS, kernels, features }) {
  const why = HEAVY_LOAD_THREADS === null ? '' : ' (HEAVY_LOAD_THREADS)'
  return [
    `heavy-load ${version}`,
    `Node.js ${node}, ${platform}`,
    `${threads} threads${why}`,
    '',
    'Kernels:',
    ...table(
      kernels.map(({ name, summary, pack }) => [name, pack === null ? summary : `${summary} (heavy-load/${pack})`]),
    ),
    '',
    'Packages it can work with:',
    ...table(Object.entries(features).map(([name, version]) => [name, version ?? 'not installed'])),
    '',
  ].join('\n')
}

/** @param {string[][]} rows of two cells */
function table(rows) {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, what]) => `  ${name.padEnd(width)}  ${what}`)
}

module.exports = { main, usage: () => USAGE }
