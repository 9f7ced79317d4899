// What a figure depends on: the machine, the runtime and the versions of all that is compared.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'
import { join } from 'node:path'

const PEERS = ['piscina', 'tinypool', 'workerpool', 'poolifier', 'worker-farm']
/** The load average of a machine on which something else runs. */
const BUSY = 0.5
const require = createRequire(import.meta.url)

/** @param {string[]} [packages] whose versions matter as well */
export function machine(packages = []) {
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    load: loadavg()[0],
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    versions: { 'heavy-load': require('../package.json').version, ...versionsOf([...PEERS, ...packages]) },
  }
}

/** The machine in a few lines of Markdown. */
export function describe({ date, cpu, cores, load, memoryGiB, system, node, versions }) {
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return [
    `- machine: ${cores} cores of ${cpu}, ${memoryGiB} GiB, ${system}`,
    `- node ${node}, ${list.join(', ')}`,
    `- ${date}, load before: ${load.toFixed(2)}${load > BUSY ? ' (other programs are running: believe nothing)' : ''}`,
  ].join('\n')
}

/** Read from the files, because not every package lets its package.json be imported. */
function versionsOf(packages) {
  const folders = require.resolve.paths('any')
  return Object.fromEntries(
    packages.map((name) => {
      const file = folders.map((folder) => join(folder, name, 'package.json')).find(existsSync)
      if (file === undefined) throw new Error(`${name} is not installed: run \`npm install\` first`)
      return [name, JSON.parse(readFileSync(file, 'utf8')).version]
    }),
  )
}
