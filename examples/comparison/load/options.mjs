// The command line of `npm run compare`.
import { parseArgs } from 'node:util'
import { strategies } from '../lib/strategies.mjs'

export const USAGE = `npm run compare [-- NAME ...]   prints what was measured: of all strategies, or of these
npm run compare -- --write      of all, and writes it to examples/comparison/results/`

/** @param {string[]} args throws where it is no such command line */
export function optionsOf(args) {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: { write: { type: 'boolean', default: false } },
  })
  const names = strategies.map(({ name }) => name)
  const unknown = positionals.find((name) => !names.includes(name))
  if (unknown !== undefined) throw new Error(`There is no strategy '${unknown}'. There are: ${names.join(', ')}`)
  // What is in results/ is of all, made in one go.
  if (values.write && positionals.length > 0) throw new Error('--write is for all strategies: leave their names out')
  const compared = strategies.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
  return { compared, write: values.write }
}
