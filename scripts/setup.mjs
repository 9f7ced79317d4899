// Sets up a checkout: installs packages and builds the addon where that is missing or out of date, and otherwise does
// nothing, so that every command can begin with it. With `--packs` it also builds the packs; with `--tests` these, and the addon that has
// the test kernels.
// It runs before any package is installed, and where Node.js is too old for all the rest: built-ins only.
// It reports on stderr, because `npm pack --json`, which runs it, answers on stdout.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PACKS } from './packs.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const withTests = process.argv.includes('--tests')
const withPacks = process.argv.includes('--packs')

checkNode()
const common = ['Cargo.toml', 'Cargo.lock', 'scripts/build.mjs']
const ofAddon = [...common, 'build.rs', ...filesUnder('src'), ...filesUnder('crates')]
const prefix = `heavy-load.${process.platform}-${process.arch}`
/** What can be built: `files` are what comes out, each a path, or a folder with the beginning of a name in it. */
const addon = { name: 'the addon', part: 'addon', sources: ofAddon, files: [['', prefix]] }
const forTests = {
  name: "the tests' addon",
  part: '--tests',
  sources: ofAddon,
  files: [
    ['__test__/native', prefix],
    ['__test__/native', 'plugged.node'],
  ],
}
const packs = PACKS.map((pack) => ({
  name: `heavy-load/${pack}`,
  part: pack,
  sources: [...common, ...filesUnder('crates/kernel'), ...filesUnder(`packs/${pack}`).filter(isSourceOfPack)],
  files: [[`packs/${pack}`, `${pack}.node`]],
}))
const wanted = [addon, ...(withTests ? [forTests] : []), ...(withTests || withPacks ? packs : [])]
const stale = wanted.filter(isStale)
// The tests need Rust themselves, also when nothing is to be built.
if (withTests || stale.length > 0) checkRust()
if (!packagesAreInstalled()) installPackages()
for (const target of stale) build(target)

function checkNode() {
  const range = JSON.parse(read('package.json')).engines.node
  const satisfies = (part) => {
    const [, operator, least] = /(\^|>=)([\d.]+)/.exec(part)
    const sameMajor = Number.parseInt(process.versions.node, 10) === Number.parseInt(least, 10)
    return isAtLeast(process.versions.node, least) && (operator === '>=' || sameMajor)
  }
  if (!range.split('||').some(satisfies)) {
    fail(`Node.js ${process.version} will not do: install one of ${range} from https://nodejs.org`)
  }
}

function checkRust() {
  const [, least] = /^rust-version = "(.*)"$/m.exec(read('Cargo.toml'))
  const remedy = `install Rust ${least} or later from https://rustup.rs`
  for (const tool of ['cargo', 'rustc']) {
    const { status, stdout } = spawnSync(tool, ['--version'], { cwd: root, encoding: 'utf8' })
    if (status !== 0) fail(`${tool} is missing: ${remedy}`)
    const version = stdout.split(' ')[1]
    if (!isAtLeast(version, least)) fail(`${tool} ${version} is too old: ${remedy}`)
  }
}

/** Compares npm's own record of what it has installed with what is locked. */
function packagesAreInstalled() {
  if (!existsSync(join(root, 'node_modules/.package-lock.json'))) return false
  const installed = JSON.parse(read('node_modules/.package-lock.json')).packages
  const locked = Object.entries(JSON.parse(read('package-lock.json')).packages)
  return locked.every(([path, { version, optional }]) => {
    const isRoot = path === ''
    // Optional packages may be for other platforms.
    return isRoot || optional || installed[path]?.version === version
  })
}

function installPackages() {
  say('installing packages (npm ci)')
  const flags = ['--include=dev', '--no-dry-run', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
  // By default npm takes minutes to see that there is no network.
  const patience = ['--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=3000']
  const { error, status, stderr } = spawnSync('npm', ['ci', ...flags, ...patience], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    shell: process.platform === 'win32',
  })
  if (error?.code === 'ENOENT') fail('npm is missing: install Node.js with npm from https://nodejs.org')
  if (status === 0) return
  const unreachable = /EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|ETIMEDOUT/.exec(stderr)
  if (unreachable) fail(`npm cannot reach its registry (${unreachable[0]}): connect to the network and try again`)
  process.stderr.write(stderr)
  fail('npm ci failed; npm says above why')
}

function isStale(target) {
  const stamp = stampFileOf(target)
  return binariesOf(target) === undefined || !existsSync(stamp) || readFileSync(stamp, 'utf8') !== stampOf(target)
}

function build(target) {
  say(`building ${target.name} (cargo)`)
  const args = [join(root, 'scripts/build.mjs'), target.part]
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] })
  if (status !== 0) {
    fail(
      `cannot build ${target.name}; cargo says above why (it needs a C linker and, for its crates, the network once)`,
    )
  }
  mkdirSync(join(root, 'target'), { recursive: true })
  writeFileSync(stampFileOf(target), stampOf(target))
}

/**
 * What went into a build, and what came out of it. Contents, not times: a clone makes every file new, and a build by
 * hand leaves no stamp.
 */
function stampOf(target) {
  return `${digest(target.sources)} ${digest(binariesOf(target))}\n`
}

function stampFileOf({ part }) {
  return join(root, `target/${part.replace(/^-+/, '')}.stamp`)
}

/** The files of a build for this platform, if all are there. */
function binariesOf({ files }) {
  const found = files.map(([folder, start]) => {
    const names = existsSync(join(root, folder)) ? readdirSync(join(root, folder)) : []
    const name = names.find((file) => file.startsWith(start) && file.endsWith('.node'))
    return name && join(folder, name)
  })
  return found.includes(undefined) ? undefined : found
}

/** Not JavaScript, documents, or what tests read. */
function isSourceOfPack(path) {
  return /(^|[\\/])(src[\\/]|Cargo\.toml$|build\.rs$)/.test(path)
}

function digest(files) {
  const hash = createHash('sha256')
  for (const file of files) hash.update(`${file}\n`).update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

function filesUnder(folder) {
  const paths = readdirSync(join(root, folder), { recursive: true }).map((path) => join(folder, path))
  return paths.filter((path) => statSync(join(root, path)).isFile()).sort()
}

/** Of versions, the major and the minor count. */
function isAtLeast(version, least) {
  const [major, minor] = version.split('.').map(Number)
  const [leastMajor, leastMinor = 0] = least.split('.').map(Number)
  return major > leastMajor || (major === leastMajor && minor >= leastMinor)
}

function read(file) {
  return readFileSync(join(root, file), 'utf8')
}

function say(line) {
  console.error(`setup: ${line}`)
}

function fail(line) {
  say(line)
  process.exit(1)
}
