// What a user gets: the package in an empty folder with Express beside it, installed from a tarball or from a checkout.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { json } from 'node:stream/consumers'
import { promisify } from 'node:util'
import test from 'ava'
import { root } from '../helpers/root.mjs'

const { devDependencies, version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
const MINUTES = 60_000
const execute = promisify(execFile)

const REQUIRED = `
const express = require('express')
const { heavyLoad } = require('heavy-load')
`
const IMPORTED = `
import express from 'express'
import { heavyLoad } from 'heavy-load'
`
const SERVER = `
const app = express()
app.get('/fast', (req, res) => res.json('fast'))
app.get('/heavy', async (req, res) => res.json(await heavyLoad(Number(req.query.iterations))))
const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port))
`

let tarball
let listed

test.before(async (t) => {
  t.timeout(10 * MINUTES)
  const folder = await emptyFolder()
  const { stdout } = await npm(['pack', '--json', '--pack-destination', folder], root)
  const [{ filename, files }] = JSON.parse(stdout)
  tarball = join(folder, filename)
  listed = files.map((file) => file.path)
})

const folders = []
test.after.always(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

test.serial('the tarball carries what runs, what documents link to, and nothing else', (t) => {
  const binary = `heavy-load.${process.platform}-${process.arch}`
  t.true(listed.some((path) => path.startsWith(binary) && path.endsWith('.node')))
  for (const path of ['package.json', 'README.md', 'index.js', 'index.d.ts', 'native.d.ts', 'lib/pool/index.js']) {
    t.true(listed.includes(path), path)
  }
  const folders = new Set(listed.filter((path) => path.includes('/')).map((path) => path.split('/')[0]))
  const carried = ['lib', 'types', 'docs', 'include', 'templates', 'crates', 'packs', 'examples']
  for (const folder of folders) t.true(carried.includes(folder), folder)
  t.deepEqual(
    [...new Set(listed.filter((path) => path.startsWith('crates/')).map((path) => path.split('/')[1]))],
    ['kernel'],
  )
})

test.serial('what is published: a package without binaries, and one with those for this platform', async (t) => {
  t.timeout(10 * MINUTES)
  const staged = await emptyFolder()
  await execute(process.execPath, [join(root, 'scripts/stage.mjs'), staged])
  const platform = (await readdir(staged)).find((name) => name.startsWith('heavy-load-'))
  const folder = await emptyFolder()
  const tarballs = []
  for (const name of ['heavy-load', platform]) {
    const { stdout } = await npm(['pack', '--json', '--pack-destination', folder], join(staged, name))
    const [{ filename, files }] = JSON.parse(stdout)
    t.is(
      files.some(({ path }) => path.endsWith('.node')),
      name === platform,
    )
    tarballs.push(join(folder, filename))
  }
  await npm(
    ['install', '--omit=optional', '--prefer-offline', '--no-audit', '--no-fund', '--prefix', folder, ...tarballs],
    folder,
  )
  await writeFile(
    join(folder, 'use.mjs'),
    `import { heavyLoad } from 'heavy-load'
    import { decompress, compress } from 'heavy-load/compression'
    console.log(await heavyLoad(5), String(await decompress(await compress(Buffer.from('text')))))`,
  )
  t.is((await execute(process.execPath, ['use.mjs'], { cwd: folder })).stdout, '5 text\n')
})

test.serial("from the tarball, a crate with a kernel of one's own is made, built and tested", async (t) => {
  t.timeout(10 * MINUTES)
  const folder = await emptyFolder()
  await npm(['install', '--prefer-offline', '--no-audit', '--no-fund', '--prefix', folder, tarball], folder)
  const { stdout } = await npm(['exec', '--no', '--', 'heavy-load', 'new', 'My Kernels'], folder)
  t.true(stdout.includes("a crate 'my-kernels'"), stdout)
  const made = join(folder, 'My Kernels')
  const { stdout: tested } = await npm(['test'], made)
  t.regex(tested, /# pass 3\n# fail 0/)
  t.true(
    (await readFile(join(made, 'index.d.ts'), 'utf8')).includes(
      'countPrimes(limit: number, options?: TaskOptions): Promise<number>',
    ),
  )
  await t.throwsAsync(npm(['exec', '--no', '--', 'heavy-load', 'new', 'My Kernels'], folder), {
    message: /is not an empty folder/,
  })
})

for (const [source, path] of [
  ['the tarball', () => tarball],
  ['a checkout', () => root],
]) {
  test.serial(`installed from ${source}, /heavy is offloaded, by require and by import`, async (t) => {
    t.timeout(10 * MINUTES)
    const folder = await emptyFolder()
    const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--prefix', folder]
    await npm(['install', ...flags, `express@${devDependencies.express}`, path()], folder)
    for (const [file, imports] of [
      ['server.cjs', REQUIRED],
      ['server.mjs', IMPORTED],
    ]) {
      await writeFile(join(folder, file), imports + SERVER)
      await checkServer(t, join(folder, file))
    }
    const { stdout } = await npm(['exec', '--no', '--', 'heavy-load', '--version'], folder)
    t.is(stdout, `${version}\n`)
  })
}

async function checkServer(t, file) {
  const server = spawn(process.execPath, [file], { cwd: dirname(file), stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => server.kill('SIGKILL'))
  const exited = once(server, 'exit')
  const [port] = await once(createInterface({ input: server.stdout }), 'line')
  const url = `http://127.0.0.1:${port}`
  const answers = []
  const request = get(`${url}/heavy?iterations=3e9`, { headers: { Expect: '100-continue' } })
  const heavy = once(request, 'response').then(async ([response]) => answers.push(await json(response)))
  // Now the server has the request.
  await once(request, 'continue')
  answers.push(await (await fetch(`${url}/fast`)).json())
  await heavy
  t.deepEqual(answers, ['fast', 3e9], file)
  server.kill()
  await exited
}

async function emptyFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'heavy-load-install-'))
  folders.push(folder)
  return folder
}

function npm(args, cwd) {
  return execute('npm', args, { cwd, shell: process.platform === 'win32' })
}
