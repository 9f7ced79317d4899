// The comparison of two runs names what moved by more than the noise, says which way is better, and fails if ours got worse.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { compare } from '../lib/compare.mjs'
import { summary } from '../lib/stats.mjs'

const SCENARIOS = {
  some: {
    columns: [
      { figure: 'cost', title: 'a cost', unit: 'ms' },
      { figure: 'rate', title: 'a rate', unit: 'a second', better: 'more' },
      { figure: 'share', title: 'a share', unit: '%', better: 'neither' },
    ],
  },
}

test('what the noise explains is not named', (t) => {
  t.deepEqual(compared({ ours: { cost: [1, 2, 3] } }, { ours: { cost: [3, 4, 5] } }), [], 'ranges touch')
  t.deepEqual(compared({ ours: { cost: [1, 1, 1] } }, { ours: { cost: [1.04, 1.04, 1.04] } }), [], 'too little')
  t.deepEqual(compared({ ours: { cost: [0, 0, 0] } }, { ours: { cost: [0, 0, 0] } }), [], 'nothing')
  t.deepEqual(compared({}, { ours: { cost: [1] } }), [], 'only in one file')
})

test('what moved is named, with its change and what that means', (t) => {
  const moves = compared(
    { 'heavy-load': { cost: [1, 1.1], rate: [10, 11], share: [50] }, piscina: { cost: [0, 0] } },
    { 'heavy-load': { cost: [2, 2.2], rate: [20, 22], share: [60] }, piscina: { cost: [1, 1] } },
  )
  t.deepEqual(moves, [
    'some: heavy-load: a cost | 1.05 | 2.1 | +100 % | WORSE',
    'some: heavy-load: a rate | 10.5 | 21 | +100 % | better',
    'some: heavy-load: a share | 50 | 60 | +20 % | -',
    'some: piscina: a cost | 0 | 1 | from 0 | WORSE',
  ])
})

test('only a figure of ours that got worse is a failure', (t) => {
  const worse = (contestant, before, after) =>
    compare(record({ [contestant]: { cost: before } }), record({ [contestant]: { cost: after } }), SCENARIOS).worse
  t.true(worse('heavy-load', [1], [2]))
  t.true(worse('heavy-load-async', [1], [2]))
  t.false(worse('heavy-load', [2], [1]))
  t.false(worse('piscina', [1], [2]))
  t.false(worse('limits', [1], [2]), 'the machine')
})

test('runs that differ in more than the code are told apart', (t) => {
  const other = { ...record({}), threads: 8, machine: { cpu: 'other', cores: 2, node: 'v1' } }
  const { text } = compare(record({}), other, SCENARIOS)
  t.regex(text, /differ in their machines: some and other/)
  t.regex(text, /differ in --threads: 2 and 8/)
  t.notRegex(text, /cores/)
})

test('the command fails if ours got worse, and only then', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'heavy-load-compare-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = (name, sequential) => {
    const results = { empty: { 'heavy-load': { sequential: summary(sequential) } } }
    writeFileSync(join(folder, name), JSON.stringify({ ...record({}), results }))
    return join(folder, name)
  }
  const [slow, quick] = [file('slow', [8, 9]), file('quick', [2, 3])]
  const command = fileURLToPath(new URL('../index.mjs', import.meta.url))
  const run = (...files) => spawnSync(process.execPath, [command, '--compare', ...files], { encoding: 'utf8' })
  const worse = run(quick, slow)
  t.is(worse.status, 1)
  t.regex(worse.stdout, /empty: heavy-load: one after the other .* WORSE/)
  t.is(run(slow, quick).status, 0)
  const alone = run(quick)
  t.is(alone.status, 1)
  t.regex(alone.stderr, /--compare takes two files/)
})

function compared(before, after) {
  const rows = compare(record(before), record(after), SCENARIOS).text.split('\n')
  return rows
    .filter((row) => row.startsWith('| some'))
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim())
        .join(' | '),
    )
}

function record(contestants) {
  const summaries = (figures) => Object.fromEntries(Object.entries(figures).map(([name, all]) => [name, summary(all)]))
  const some = Object.fromEntries(Object.entries(contestants).map(([name, figures]) => [name, summaries(figures)]))
  return { machine: { cpu: 'some', cores: 2, node: 'v1' }, threads: 2, quick: false, results: { some } }
}
