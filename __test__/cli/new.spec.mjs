// `heavy-load new`: where the crate has heavy-load from, by what runs it: a published package, a tarball of a checkout, or the checkout.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { version } from '../helpers/cli.mjs'
import { root } from '../helpers/root.mjs'

const execute = promisify(execFile)
const shell = process.platform === 'win32'
const parent = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'heavy-load-new-')))
const staged = join(parent, 'staged')
test.before(() => execute(process.execPath, [join(root, 'scripts/stage.mjs'), staged]))
test.after.always(() => fs.rmSync(parent, { recursive: true }))

/** What is in its package.json tells a tarball of a checkout from what is published. */
const KINDS = { published: join(staged, 'heavy-load/package.json'), packed: join(root, 'package.json') }

for (const kind of Object.keys(KINDS)) {
  test(`${kind}, in a project: the project's own, also where that is moved to`, async (t) => {
    const project = projectWith(kind)
    const { stdout } = await runNew(project, 'kernels')
    t.true(stdout.endsWith('Next: cd kernels && npm test\n'), stdout)
    const { specifier, crate } = read(join(project, 'kernels'))
    t.is(specifier, `^${version}`)
    t.is(crate, '../node_modules/heavy-load/crates/kernel')
    t.false(fs.existsSync(join(project, 'kernels/node_modules')), 'a second copy')
    const moved = join(folder(), 'project')
    fs.renameSync(project, moved)
    t.true(fs.existsSync(join(moved, 'kernels', crate, 'Cargo.toml')))
  })
}

test('packed, elsewhere: a link to it, and the version for npm', async (t) => {
  const project = projectWith('packed')
  const deep = join(folder(), 'deep/deeper')
  fs.mkdirSync(deep, { recursive: true })
  // A path that is not the folder's own.
  const link = join(folder(), 'link')
  fs.symlinkSync(deep, link, 'junction')
  await runNew(project, join(link, 'kernels'))
  const made = join(deep, 'kernels')
  const { specifier, crate, readme } = read(made)
  t.is(specifier, `^${version}`)
  t.is(crate, 'node_modules/heavy-load/crates/kernel')
  t.is(fs.realpathSync(join(made, 'node_modules/heavy-load')), join(project, 'node_modules/heavy-load'))
  t.true(readme.includes(`npm install --no-save PATH/heavy-load-${version}.tgz`), readme)
})

test('published, elsewhere: npm installs it', async (t) => {
  const made = join(folder(), 'kernels')
  const { env, integrity } = await startRegistry(t, await tarball())
  await runNew(projectWith('published'), made, env)
  const { specifier, crate, readme } = read(made)
  t.is(specifier, `^${version}`)
  t.true(fs.existsSync(join(made, crate, 'Cargo.toml')))
  const lock = JSON.parse(fs.readFileSync(join(made, 'package-lock.json'), 'utf8'))
  t.is(lock.packages['node_modules/heavy-load'].integrity, integrity)
  t.false(readme.includes('.tgz'), readme)
})

test('where npm cannot install it, that is said', async (t) => {
  const made = join(folder(), 'kernels')
  const { env } = await startRegistry(t)
  const { code, stderr } = await t.throwsAsync(runNew(projectWith('published'), made, env))
  t.is(code, 1)
  t.regex(stderr, /heavy-load: 'npm install' failed in '.*'\. Run it there, and then npm test\n$/)
})

test('a checkout: by its path', async (t) => {
  const made = join(folder(), 'kernels')
  await execute(process.execPath, [join(root, 'lib/cli/index.js'), 'new', made])
  const { specifier, readme } = read(made)
  t.is(resolve(made, specifier.replace(/^file:/, '')), fs.realpathSync(root))
  t.is(fs.realpathSync(join(made, 'node_modules/heavy-load')), fs.realpathSync(root))
  t.true(readme.includes(`npm install heavy-load@^${version}`), readme)
})

test('--no-install installs nothing, and says that it is to be done', async (t) => {
  const made = join(folder(), 'kernels')
  const { stdout } = await runNew(projectWith('packed'), made, {}, '--no-install')
  t.true(stdout.endsWith(`Next: cd ${made} && npm install && npm test\n`), stdout)
  t.false(fs.existsSync(join(made, 'node_modules')))
})

function folder() {
  return fs.mkdtempSync(join(parent, 'folder-'))
}

/** A folder in whose node_modules the package is, as if it had been installed. */
function projectWith(kind) {
  const project = folder()
  const installed = join(project, 'node_modules/heavy-load')
  fs.cpSync(join(staged, 'heavy-load'), installed, { recursive: true })
  fs.copyFileSync(KINDS[kind], join(installed, 'package.json'))
  return project
}

function runNew(project, target, env = {}, ...flags) {
  const cli = join(project, 'node_modules/heavy-load/lib/cli/index.js')
  const options = { cwd: project, env: { ...process.env, ...env } }
  return execute(process.execPath, [cli, 'new', target, ...flags], options)
}

function read(made) {
  const text = (file) => fs.readFileSync(join(made, file), 'utf8')
  return {
    specifier: JSON.parse(text('package.json')).dependencies['heavy-load'],
    crate: /^heavy-load-kernel = \{ path = "(.*)" \}$/m.exec(text('Cargo.toml'))[1],
    readme: text('README.md'),
  }
}

async function tarball() {
  const to = folder()
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', to]
  const { stdout } = await execute('npm', args, { cwd: join(staged, 'heavy-load'), shell })
  return fs.readFileSync(join(to, JSON.parse(stdout)[0].filename))
}

/** A registry that has the package, or nothing, and no other. */
async function startRegistry(t, content) {
  const integrity = content && `sha512-${createHash('sha512').update(content).digest('base64')}`
  const server = createServer(({ url }, response) => {
    if (content === undefined || !url.startsWith('/heavy-load')) return response.writeHead(404).end('{}')
    if (url.endsWith('.tgz')) return response.end(content)
    const dist = { tarball: `${origin}/heavy-load.tgz`, integrity }
    const manifest = { name: 'heavy-load', version, dist }
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({ name: 'heavy-load', 'dist-tags': { latest: version }, versions: { [version]: manifest } }),
    )
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${server.address().port}`
  const env = { npm_config_registry: `${origin}/`, npm_config_cache: folder(), npm_config_fetch_retries: '0' }
  return { env, integrity }
}
