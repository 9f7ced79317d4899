// The command line, checked.
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'

export const USAGE = `npm run bench -- [NAME ...] [--quick] [--save] [--json FILE] [--threads N] [--rounds N] [--only CONTESTANT,...]
npm run bench -- --compare BEFORE.json AFTER.json

NAME      ${scenarioNames().join(', ')}; all of them if none is given
--quick   fewer rounds and shorter ones, for a first look
--save    keeps raw results, tables and pictures in benchmark/results, in place of those that are there
--json    where to write the raw results
--threads of every contestant; as many as there are cores if not given
--rounds  how often every contestant is measured
--only    contestants, by file name, or limits
--compare names what moved by more than the noise between two files that --json or --save has written;
          fails if a figure of heavy-load's got worse`

export function parseCommandLine() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      save: { type: 'boolean', default: false },
      json: { type: 'string' },
      threads: { type: 'string', default: String(availableParallelism()) },
      rounds: { type: 'string' },
      only: { type: 'string' },
      compare: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const { quick, save, json, compare, help } = values
  const known = scenarioNames()
  const unknown = compare ? undefined : positionals.find((name) => !known.includes(name))
  if (unknown !== undefined) throw new Error(`There is no scenario '${unknown}'. There are: ${known.join(', ')}`)
  return {
    positionals,
    names: positionals.length > 0 ? positionals : known,
    quick,
    save,
    json,
    compare,
    help,
    threads: positiveInteger('--threads', values.threads),
    rounds: values.rounds === undefined ? undefined : positiveInteger('--rounds', values.rounds),
    only: values.only?.split(','),
  }
}

export function scenarioNames() {
  const files = readdirSync(new URL('../scenarios/', import.meta.url))
  return files.map((file) => file.replace(/\.mjs$/, '')).sort()
}

function positiveInteger(option, text) {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`${option} takes a whole number of 1 or more, not '${text}'`)
  return value
}
