// The set-up step does what is missing, and only that, and says in one line what it cannot do.
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import test from 'ava'
import { PACKS } from '../../scripts/packs.mjs'
import { root } from '../helpers/root.mjs'

const SOURCES = [
  'package.json',
  'package-lock.json',
  'Cargo.toml',
  'Cargo.lock',
  'build.rs',
  'src',
  'crates',
  'packs',
  'scripts',
]
const RECORD = 'node_modules/.package-lock.json'
const STAMPS = ['target/addon.stamp', 'target/tests.stamp', ...PACKS.map((pack) => `target/${pack}.stamp`)]
const PLUGIN = '__test__/native/plugged.node'
const BINARY = fs.readdirSync(root).find((file) => file.startsWith(`heavy-load.${process.platform}-${process.arch}`))

const NO_CARGO = 'setup: cargo is missing: install Rust 1.89 or later from https://rustup.rs\n'
const NO_NPM = 'setup: npm is missing: install Node.js with npm from https://nodejs.org\n'

const parent = fs.mkdtempSync(join(tmpdir(), 'heavy-load-setup-'))
const nowhere = join(parent, 'nowhere')
fs.mkdirSync(nowhere)
test.after.always(() => fs.rmSync(parent, { recursive: true }))

test('does nothing and says nothing where nothing is missing', (t) => {
  const folder = treeOf(...SOURCES, RECORD, BINARY, join('__test__/native', BINARY), PLUGIN, ...STAMPS)
  t.deepEqual(setUp(folder, { PATH: nowhere }), { status: 0, stdout: '', stderr: '' }, '`npm run setup` comes first')
  t.deepEqual(
    setUp(folder, {}, '--tests'),
    { status: 0, stdout: '', stderr: '' },
    '`npm run setup -- --tests` comes first',
  )
})

test('builds where a source or the binary is not what it was, whatever the times of the files', (t) => {
  const folder = treeOf(...SOURCES, RECORD, BINARY, ...STAMPS)
  const isStale = () => setUp(folder, { PATH: nowhere }).stderr === NO_CARGO
  for (const file of ['Cargo.toml', 'Cargo.lock', 'build.rs', 'src/lib.rs', 'crates/kernels/src/spin.rs', BINARY]) {
    const path = join(folder, file)
    const before = fs.readFileSync(path)
    fs.utimesSync(path, new Date(), new Date())
    t.false(isStale(), file)
    fs.appendFileSync(path, '\n')
    t.true(isStale(), file)
    fs.writeFileSync(path, before)
    t.false(isStale(), file)
  }
  fs.writeFileSync(join(folder, 'crates/kernels/src/another.rs'), '')
  t.true(isStale())
  fs.rmSync(join(folder, 'crates/kernels/src/another.rs'))
  t.false(isStale())
  fs.rmSync(join(folder, BINARY))
  t.true(isStale())
})

test('installs where the packages are not those that are locked', (t) => {
  const folder = treeOf(...SOURCES, RECORD, BINARY, ...STAMPS)
  const record = JSON.parse(fs.readFileSync(join(folder, RECORD), 'utf8'))
  record.packages['node_modules/ava'].version = '0.0.1'
  fs.writeFileSync(join(folder, RECORD), JSON.stringify(record))
  const refusal = { status: 1, stdout: '', stderr: `setup: installing packages (npm ci)\n${NO_NPM}` }
  t.deepEqual(setUp(folder, { PATH: nowhere }), refusal)
  fs.rmSync(join(folder, 'node_modules'), { recursive: true })
  t.deepEqual(setUp(folder, { PATH: nowhere }), refusal)
})

test('without cargo it says so before it does anything', (t) => {
  const folder = treeOf(...SOURCES)
  for (const flags of [[], ['--tests']]) {
    t.deepEqual(setUp(folder, { PATH: nowhere }, ...flags), { status: 1, stdout: '', stderr: NO_CARGO })
  }
  t.false(fs.existsSync(join(folder, 'node_modules')))
})

test('the tests want cargo also where nothing is to be built', (t) => {
  const folder = treeOf(...SOURCES, RECORD, BINARY, join('__test__/native', BINARY), PLUGIN, ...STAMPS)
  t.deepEqual(setUp(folder, { PATH: nowhere }, '--tests'), { status: 1, stdout: '', stderr: NO_CARGO })
})

const onPosix = process.platform === 'win32' ? test.skip : test
onPosix('Rust that is too old is named', (t) => {
  const folder = treeOf(...SOURCES)
  const bin = join(folder, 'bin')
  fs.mkdirSync(bin)
  fs.writeFileSync(join(bin, 'cargo'), '#!/bin/sh\necho "cargo 1.88.0 (99624be96 2025-05-06)"\n', { mode: 0o755 })
  const { status, stderr } = setUp(folder, { PATH: [bin, process.env.PATH].join(delimiter) })
  t.is(stderr, 'setup: cargo 1.88.0 is too old: install Rust 1.89 or later from https://rustup.rs\n')
  t.is(status, 1)
})

test('Node.js that is too old, or of an odd version, is named', (t) => {
  const folder = treeOf(...SOURCES)
  const major = Number.parseInt(process.versions.node, 10)
  const manifest = JSON.parse(fs.readFileSync(join(folder, 'package.json'), 'utf8'))
  const setUpWith = (node) => {
    fs.writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, engines: { node } }))
    return setUp(folder, { PATH: nowhere })
  }
  for (const range of [`>=${major + 1}`, `^${major - 1}.0 || >=${major + 1}`, `^${major}.999`, `>=${major}.999`]) {
    const { status, stderr } = setUpWith(range)
    t.is(stderr, `setup: Node.js ${process.version} will not do: install one of ${range} from https://nodejs.org\n`)
    t.is(status, 1)
  }
  for (const range of [`^${major}.0`, `>=${major}`, `>=${major - 1}.999`, `^${major - 1}.0 || ^${major}.0`]) {
    t.is(setUpWith(range).stderr, NO_CARGO, range)
  }
})

test('without a network it says so', (t) => {
  const folder = treeOf(...SOURCES, BINARY, ...STAMPS)
  const { status, stdout, stderr } = setUp(folder, {
    // Nobody listens on port 1.
    npm_config_registry: 'http://127.0.0.1:1/',
    npm_config_cache: join(folder, 'cache'),
    npm_config_fetch_retries: '0',
  })
  t.is(status, 1)
  t.is(stdout, '')
  t.deepEqual(stderr.trimEnd().split('\n'), [
    'setup: installing packages (npm ci)',
    'setup: npm cannot reach its registry (ECONNREFUSED): connect to the network and try again',
  ])
})

test('a build that fails ends it', (t) => {
  // The packages are recorded as installed, but they are not there.
  const { status, stdout, stderr } = setUp(treeOf(...SOURCES, RECORD))
  t.is(status, 1)
  t.is(stdout, '')
  t.regex(stderr, /^setup: building the addon \(cargo\)\n/)
  t.regex(stderr, /\nsetup: cannot build the addon; .*\n$/)
})

/** A folder with some of this checkout's files. */
function treeOf(...files) {
  const folder = fs.mkdtempSync(join(parent, 'tree-'))
  for (const file of files) fs.cpSync(join(root, file), join(folder, file), { recursive: true })
  return folder
}

function setUp(folder, env = {}, ...flags) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'scripts/setup.mjs'), ...flags], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}
