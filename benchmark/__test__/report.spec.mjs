// Reports: a figure is given as a share of its limit, and what was not measured is no zero.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import { report } from '../lib/report.mjs'
import { save } from '../lib/save.mjs'
import { summary } from '../lib/stats.mjs'

const SCENARIO = {
  name: 'some',
  title: 'Some figures',
  columns: [
    { figure: 'cost', title: 'a cost', unit: 'ms', limit: 'least', picture: 'linear' },
    { figure: 'rate', title: 'a rate', unit: 'a second', limit: 'most', better: 'more' },
    { figure: 'free', title: 'no limit', unit: 'ms' },
  ],
  limitColumns: [
    { figure: 'least', title: 'the least', unit: 'ms' },
    { figure: 'most', title: 'the most', unit: 'a second' },
    { figure: 'aside', title: 'nobody names it', unit: 'ns' },
  ],
}
const RESULTS = {
  'heavy-load': { cost: summary([2, 3, 4]), rate: summary([90]), free: summary([1]) },
  piscina: { cost: summary([6]) },
  limits: { least: summary([1.5]), most: summary([100]), aside: summary([5]) },
}
const SETTINGS = { threads: 2, quick: false, rounds: 3, seconds: 12.3 }

test('costs are so many times their limit, rates so many percent of it', (t) => {
  t.deepEqual(rows(report(SCENARIO, RESULTS, SETTINGS)), [
    ['', 'a cost [ms]', 'a rate [a second]', 'no limit [ms]'],
    ['heavy-load', '3 (2..4) = 2x limit', '90 (90..90) = 90 % of limit', '1 (1..1)'],
    ['piscina', '6 (6..6) = 4x limit', '-', '-'],
    ['limit of this machine', '', 'limit of'],
    ['the least', '1.5 (1.5..1.5) ms', 'a cost'],
    ['the most', '100 (100..100) a second', 'a rate'],
    ['nobody names it', '5 (5..5) ns', '-'],
  ])
})

test('where limits were not measured there are no shares', (t) => {
  const { limits, ...contestants } = RESULTS
  t.deepEqual(rows(report(SCENARIO, contestants, SETTINGS))[1], ['heavy-load', '3 (2..4)', '90 (90..90)', '1 (1..1)'])
})

test('a report ends with its rounds and the time it took', (t) => {
  t.regex(report(SCENARIO, RESULTS, SETTINGS), /\n3 rounds: median \(lowest\.\.highest\)\. Took 12 s\.$/)
})

test('a run that is saved takes the place of the one before', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'heavy-load-save-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'other.svg'), 'of another run')
  const about = {
    date: 'today',
    cpu: 'some',
    cores: 2,
    load: 0,
    memoryGiB: 1,
    system: 'some',
    node: 'v1',
    versions: {},
  }
  const run = {
    machine: about,
    command: 'npm run bench',
    threads: 2,
    quick: false,
    rounds: { some: 3 },
    seconds: { some: 60 },
    failed: { broken: 'it broke' },
    results: { some: RESULTS },
  }
  const scenarios = [SCENARIO, { ...SCENARIO, name: 'broken', title: 'Broken' }, { ...SCENARIO, name: 'later' }]
  const files = () => {
    save(run, scenarios, pathToFileURL(`${folder}/`))
    return readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), 'utf8')])
  }
  const first = Object.fromEntries(files())
  t.deepEqual(Object.keys(first).sort(), ['results.json', 'results.md', 'some.svg'])
  t.deepEqual(JSON.parse(first['results.json']), run)
  t.true(first['results.md'].includes('`npm run bench`: 2 threads'))
  t.true(first['results.md'].includes('![Some figures](some.svg)'))
  t.true(first['results.md'].includes('## Broken\n\nFailed: it broke'))
  t.true(first['results.md'].endsWith('All of it took 1.0 minutes.\n'))
  t.deepEqual(Object.fromEntries(files()), first, 'the same run gives the same bytes')
})

test('goals are about ours in any form, and about the best of all peers or of some', (t) => {
  const results = {
    'heavy-load': { cost: summary([2]) },
    'heavy-load-keys': { cost: summary([3]) },
    piscina: { cost: summary([4]) },
    poolifier: { cost: summary([1]) },
  }
  const goal = (what, of) => ({ what, of, atMost: 2 })
  const goals = [
    goal('ours', ({ ours }) => ours('cost')),
    goal('with keys', ({ ours }) => ours('cost', 'heavy-load-keys')),
    goal('the best of all', ({ bestPeer }) => bestPeer('cost')),
    goal('the worst', ({ bestPeer }) => bestPeer('cost', Math.max)),
    goal('the best of one', ({ bestPeer }) => bestPeer('cost', Math.min, ['piscina'])),
    goal('of those that were measured', ({ bestPeer }) => bestPeer('cost', Math.min, ['piscina', 'tinypool'])),
    goal('not measured', ({ ours }) => ours('cost', 'heavy-load-async')),
  ]
  t.deepEqual(rows(report({ ...SCENARIO, goals }, results, SETTINGS)).slice(-6), [
    ['ours', '2', '<= 2', 'yes'],
    ['with keys', '3', '<= 2', 'NO'],
    ['the best of all', '1', '<= 2', 'yes'],
    ['the worst', '4', '<= 2', 'NO'],
    ['the best of one', '4', '<= 2', 'NO'],
    ['of those that were measured', '4', '<= 2', 'NO'],
  ])
})

/** The cells of all tables. */
function rows(text) {
  const lines = text.split('\n').filter((line) => line.startsWith('|') && !line.includes('---'))
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}
