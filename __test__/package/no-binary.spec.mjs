// What `require('heavy-load')` says where no binary can be loaded: the cause, and what helps against that cause.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { root } from '../helpers/root.mjs'

const { platform, arch } = process
const here = `${platform}-${arch}`
const abi = { linux: '-gnu', win32: '-msvc' }[platform] ?? ''
const OURS = `heavy-load-${here}${abi}`
const OTHER = `heavy-load-${platform === 'darwin' ? 'linux' : 'darwin'}-arm64`
const addon = readdirSync(root).find((name) => name.startsWith('heavy-load.') && name.endsWith('.node'))

const folder = mkdtempSync(join(tmpdir(), 'heavy-load-no-binary-'))
test.after.always(() => rmSync(folder, { recursive: true }))

/** A node_modules with the package as npm has it, and whatever packages with a binary: name and content. */
function install(name, { platforms = [OURS, OTHER], packages = {}, description = {} } = {}) {
  const modules = join(folder, name, 'node_modules')
  const own = join(modules, 'heavy-load')
  mkdirSync(own, { recursive: true })
  for (const path of ['index.js', 'lib']) cpSync(join(root, path), join(own, path), { recursive: true })
  const published = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const optionalDependencies = Object.fromEntries(platforms.map((name) => [name, published.version]))
  writeFileSync(join(own, 'package.json'), JSON.stringify({ ...published, optionalDependencies, ...description }))
  for (const [name, content] of Object.entries(packages)) {
    mkdirSync(join(modules, name), { recursive: true })
    writeFileSync(join(modules, name, 'package.json'), JSON.stringify({ name, main: addon }))
    writeFileSync(join(modules, name, addon), content)
  }
  return own
}

/** What a process says that requires it. */
function load(own, flags = [], env = {}) {
  const script = `console.log(require(${JSON.stringify(own)}).heavyLoadSync(5))`
  const options = {
    encoding: 'utf8',
    env: { ...process.env, NAPI_RS_NATIVE_LIBRARY_PATH: '', ...env },
    timeout: 60_000,
  }
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, '--eval', script], options)
  return /^Error: (heavy-load cannot be loaded: .*)$/m.exec(stderr)?.[1] ?? (stdout || stderr)
}

test('the package for this platform has the binary', (t) => {
  const packages = { [OURS]: readFileSync(join(root, addon)) }
  t.is(load(install('whole', { packages })), '5\n')
})

test('optional dependencies were left out', (t) => {
  const said = load(install('omitted'))
  t.true(said.startsWith(`heavy-load cannot be loaded: the package ${OURS},`), said)
  t.regex(said, /npm install --include=optional/)
  t.regex(said, /package-lock\.json/)
})

test('node_modules was made on another platform', (t) => {
  const said = load(install('moved', { packages: { [OTHER]: '' } }))
  t.true(said.includes(`${OURS} is not installed, but ${OTHER} is`), said)
})

test('there is none for this platform', (t) => {
  const said = load(install('unsupported', { platforms: [OTHER] }))
  t.true(said.includes(`there is no binary for ${here}. There are for ${OTHER.replace('heavy-load-', '')}.`), said)
})

test('a binary that is none', (t) => {
  const said = load(install('broken', { packages: { [OURS]: 'not a library' } }))
  t.regex(said, /its binary is there, and the system does not load it: /)
})

test('an old glibc', (t) => {
  const { noBinary } = createRequire(import.meta.url)('../../lib/no-binary.js')
  const message = "/lib/libc.so.6: version `GLIBC_2.99' not found (required by heavy-load.linux-x64-gnu.node)"
  const failure = Object.assign(new Error(message), { code: 'ERR_DLOPEN_FAILED' })
  const error = noBinary(['linux-x64-gnu'], [failure])
  t.regex(error.message, /needs glibc 2\.99 or later, and this system has /)
  t.is(error.cause, failure)
})

test('addons are not allowed', (t) => {
  const own = install('not-allowed', { packages: { [OURS]: readFileSync(join(root, addon)) } })
  t.regex(load(own, ['--no-addons']), /without --no-addons/)
  t.regex(load(own, [], { NODE_OPTIONS: '--no-addons' }), /without --no-addons/)
  const [major] = process.versions.node.split('.')
  const permission = Number(major) < 24 ? '--experimental-permission' : '--permission'
  t.regex(load(own, [permission, '--allow-fs-read=*']), /Start Node\.js with --allow-addons/)
})

test('a bundler has taken its code along', (t) => {
  const said = load(install('bundled', { description: { name: 'somebody-s-server' } }))
  t.regex(said, /into which a bundler has put it/)
  t.regex(said, /docs\/guides\/bundlers\.md/)
})

test('a checkout that is not built', (t) => {
  const own = install('checkout')
  writeFileSync(join(own, 'Cargo.toml'), '')
  t.regex(load(own), /Run `npm run setup`/)
})
