// What is published, as users get it: installed by npm, pnpm and Yarn into an empty folder, and used by require and by import in each runtime
// that is supported. `npm run test:runtimes`; `-- NAME...` runs those runtimes and package managers alone. What it downloads is kept in the
// system's folder for temporary files; what cannot be downloaded is skipped, and named at the end.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { PLATFORMS, packageOf } from './platforms.mjs'
import { reasonOf } from './reason-of.mjs'

const execute = promisify(execFile)
const root = dirname(import.meta.dirname)
const isWindows = process.platform === 'win32'
const wanted = process.argv.slice(2)
const MINUTES = 60_000
/** Packages that are downloaded, each in a folder of its own, by name and version. */
const cache = join(tmpdir(), 'heavy-load-runtimes')

// The packages of Node.js, Bun and Deno for one platform are their binaries; those for all run scripts to find them.
const system = { win32: 'win' }[process.platform] ?? process.platform
const ofNode = `node-${system}-${process.arch}`
const nodeFile = isWindows ? 'bin/node.exe' : 'bin/node'
const RUNTIMES = {
  'node@20': { packageName: ofNode, range: '20', file: nodeFile },
  'node@22': { packageName: ofNode, range: '22', file: nodeFile },
  'node@24': { packageName: ofNode, range: '24', file: nodeFile },
  'node@26': { packageName: ofNode, range: '26', file: nodeFile },
  bun: {
    packageName: `@oven/bun-${process.platform}-${process.arch === 'arm64' ? 'aarch64' : process.arch}`,
    range: 'latest',
    file: 'bin/bun',
  },
  deno: {
    packageName: `@deno/${process.platform}-${process.arch}${process.platform === 'linux' ? '-glibc' : ''}`,
    range: 'latest',
    file: 'deno',
    args: ['run', '--allow-all'],
  },
}
/** `install`: the command that does it, in a folder whose package.json has the package. `nodeArgs`: what Node.js needs afterwards. */
const MANAGERS = {
  npm: { install: () => ['npm', ['install']] },
  pnpm: {
    packageName: 'pnpm',
    range: '10',
    file: 'bin/pnpm.cjs',
    install: (file) => [process.execPath, [file, 'install']],
  },
  'yarn@1': {
    packageName: 'yarn',
    range: '1',
    file: 'bin/yarn.js',
    install: (file) => [process.execPath, [file, 'install']],
  },
  'yarn@4': {
    packageName: '@yarnpkg/cli-dist',
    range: '4',
    file: 'bin/yarn.js',
    install: (file) => [process.execPath, [file, 'install', '--no-immutable']],
    // Without node_modules (Plug'n'Play): these files say where packages are. `yarn node` gives Node.js the same.
    nodeArgs: (folder) => [
      ...['--require', join(folder, '.pnp.cjs')],
      ...['--experimental-loader', pathToFileURL(join(folder, '.pnp.loader.mjs')).href],
    ],
  },
}

const skipped = []
const failed = []
const work = mkdtempSync(join(tmpdir(), 'heavy-load-runtimes-'))
const registry = await startRegistry()
try {
  const installed = {}
  for (const [name, manager] of Object.entries(MANAGERS)) {
    if (wanted.length > 0 && !wanted.includes(name) && name !== 'npm') continue
    const file = manager.packageName === undefined ? undefined : await download(name, manager)
    if (file === null) continue
    installed[name] = await install(name, manager, file)
    if (wanted.length > 0 && !wanted.includes(name)) continue
    if (installed[name]) await check(`node after ${name}`, process.execPath, manager.nodeArgs, installed[name])
  }
  for (const [name, runtime] of Object.entries(RUNTIMES)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    const file = await download(name, runtime)
    if (file !== null && installed.npm) await check(name, file, () => runtime.args ?? [], installed.npm)
  }
} finally {
  registry.close()
  rmSync(work, { recursive: true, maxRetries: 3 })
}
for (const line of skipped) console.log(`skipped: ${line}`)
if (failed.length > 0) {
  console.error(`failed: ${failed.join(', ')}`)
  process.exitCode = 1
}

/** The path of a file of a package, which is downloaded if it is not there; null if it cannot be. */
async function download(name, { packageName, range, file }) {
  const folder = join(cache, name.replace('/', '+'))
  const path = join(folder, 'node_modules', packageName, file)
  if (existsSync(path)) return path
  try {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{}')
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--force', '--loglevel=error']
    await command('npm', ['install', ...flags, `${packageName}@${range}`], { cwd: folder })
    return path
  } catch (error) {
    skipped.push(`${name}: ${reasonOf(error)}`)
    return null
  }
}

/** The folder in which a package manager has installed the package. */
async function install(name, { install }, file) {
  const folder = join(work, `by-${name}`)
  mkdirSync(folder)
  cpSync(join(root, '__test__/fixtures/runtimes'), folder, { recursive: true })
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  // Yarn 4 takes a folder for a project of its own if it has a lockfile.
  writeFileSync(join(folder, 'yarn.lock'), '')
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'app', dependencies: { 'heavy-load': version } }))
  const url = `http://127.0.0.1:${registry.address().port}/`
  // Caches of its own: another run has other files of the same version.
  const env = {
    npm_config_registry: url,
    npm_config_cache: join(work, 'npm'),
    npm_config_audit: 'false',
    npm_config_store_dir: join(work, 'pnpm'),
    YARN_REGISTRY: url,
    YARN_CACHE_FOLDER: join(work, 'yarn'),
    YARN_GLOBAL_FOLDER: join(work, 'yarn-global'),
    YARN_ENABLE_TELEMETRY: '0',
    YARN_PNP_ENABLE_ESM_LOADER: '1',
    YARN_ENABLE_HARDENED_MODE: '0',
    YARN_NPM_REGISTRY_SERVER: url,
    YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
  }
  try {
    await command(...install(file), { cwd: folder, env: { ...process.env, ...env } })
    return folder
  } catch (error) {
    report(`install by ${name}`, [reasonOf(error)])
    return undefined
  }
}

/** Runs the suite by require and by import. */
async function check(title, file, argsOf = () => [], folder) {
  const name = `${title}: ${(await command(file, ['--version'], { cwd: folder })).stdout.split('\n')[0]}`
  for (const entry of ['require.cjs', 'import.mjs']) {
    try {
      const { stdout } = await command(file, [...argsOf(folder), join(folder, entry)], { cwd: folder })
      const { count, failed } = JSON.parse(stdout.trim().split('\n').at(-1))
      report(`${name}, ${entry} (${count} cases)`, failed)
    } catch (error) {
      report(`${name}, ${entry}`, [reasonOf(error)])
    }
  }
}

function report(title, failures) {
  console.log(`${failures.length === 0 ? 'ok' : 'not ok'}: ${title}`)
  for (const failure of failures) console.log(`  ${failure}`)
  if (failures.length > 0) failed.push(title)
}

function command(file, args, { cwd, env = process.env }) {
  // Where npm is a script, it takes a shell.
  const shell = isWindows && file === 'npm'
  const clean = { ...env }
  // Those of the npm that runs this script are not meant for those that it runs.
  delete clean.NODE_OPTIONS
  return execute(file, args, { cwd, env: clean, shell, timeout: 10 * MINUTES, maxBuffer: 1 << 26 })
}

/** A registry that has what would be published, and sends whoever wants something else to the real one. */
async function startRegistry() {
  const staged = join(work, 'staged')
  await command(process.execPath, [join(root, 'scripts/stage.mjs'), staged], { cwd: root })
  const { stdout } = await command('npm', ['config', 'get', 'registry'], { cwd: root })
  const real = stdout.trim().replace(/\/?$/, '/')
  const tarballs = new Map()
  const manifests = new Map()
  for (const name of readdirSync(staged)) {
    const { stdout } = await command('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', work], {
      cwd: join(staged, name),
    })
    tarballs.set(name, readFileSync(join(work, JSON.parse(stdout)[0].filename)))
    manifests.set(name, JSON.parse(readFileSync(join(staged, name, 'package.json'), 'utf8')))
  }
  // The binaries for other platforms are not here. Nobody asks for them who sees which platforms they are for.
  const { version } = manifests.get('heavy-load')
  for (const [platform, { os, cpu, libc }] of Object.entries(PLATFORMS)) {
    const name = packageOf(platform)
    if (!manifests.has(name)) {
      manifests.set(name, { name, version, os: [os], cpu: [cpu], ...(libc === undefined ? {} : { libc: [libc] }) })
    }
  }
  const server = createServer(({ url, headers }, response) => {
    const name = decodeURIComponent(url.slice(1).split('?')[0]).replace(/\.tgz$/, '')
    const manifest = manifests.get(name)
    if (manifest === undefined) return response.writeHead(302, { location: real + url.slice(1) }).end()
    const content = tarballs.get(name) ?? Buffer.alloc(0)
    if (url.endsWith('.tgz')) return response.end(content)
    const tarball = `http://${headers.host}/${name}.tgz`
    const dist = {
      tarball,
      integrity: integrityOf('sha512', content, 'base64'),
      shasum: digestOf('sha1', content, 'hex'),
    }
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({
        name,
        'dist-tags': { latest: version },
        versions: { [version]: { ...manifest, _id: `${name}@${version}`, dist } },
        // Some refuse what is new.
        time: { [version]: '2020-01-01T00:00:00.000Z', modified: '2020-01-01T00:00:00.000Z' },
      }),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

function integrityOf(algorithm, content, encoding) {
  return `${algorithm}-${digestOf(algorithm, content, encoding)}`
}

function digestOf(algorithm, content, encoding) {
  return createHash(algorithm).update(content).digest(encoding)
}
