// Packs: plug-ins of our own, each with an entry; loaded when they are first used, and not before.
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { PACKS } from '../../scripts/packs.mjs'
import { runScript } from '../helpers/child.mjs'
import { root } from '../helpers/root.mjs'

const require = createRequire(import.meta.url)

test('there are some', (t) => {
  t.true(PACKS.includes('passwords'))
})

for (const pack of PACKS) {
  test(`${pack}: every form of every kernel is exported, or one of them under the kernel's name`, async (t) => {
    const entry = require(`heavy-load/${pack}`)
    const kernels = [...require('../../lib/pack-kernels.js')].filter(([, of]) => of === pack).map(([name]) => name)
    t.true(kernels.length > 0)
    for (const name of kernels) {
      t.is(entry[name].kernel, name)
      const others = [`${name}Sync`, `${name}Async`].filter((form) => form in entry)
      if (entry[name].name === name) t.is(others.length, 2)
      else t.is(others.length, 0)
    }
    t.deepEqual(Object.keys(await import(`heavy-load/${pack}`)).sort(), ['default', ...Object.keys(entry)].sort())
  })

  test(`${pack}: it is in package.json, for require, import and TypeScript`, (t) => {
    const { exports, typesVersions } = require('../../package.json')
    const types = `./packs/${pack}/index.d.ts`
    t.deepEqual(exports[`./${pack}`], { types, default: `./packs/${pack}/index.js` })
    t.deepEqual(typesVersions['*'][pack], [types])
    t.true(fs.existsSync(join(root, types)))
  })

  const isLinux = process.platform === 'linux'
  // The libraries that it links name what they import. Without an import of it, nothing in there can start a thread.
  ;(isLinux ? test : test.skip)(`${pack}: it brings no threads`, (t) => {
    const { status, stdout } = spawnSync('nm', ['-D', '--undefined-only', `packs/${pack}/${pack}.node`], {
      cwd: root,
      encoding: 'utf8',
    })
    t.is(status, 0)
    t.regex(stdout, / malloc\b/)
    t.notRegex(stdout, /pthread_create|thrd_create|\bclone3?\b|\bfork\b/)
    const tree = spawnSync(
      'cargo',
      ['tree', '--locked', '-p', `heavy-load-${pack}`, '-e', 'normal', '--prefix', 'none'],
      {
        cwd: root,
        encoding: 'utf8',
      },
    )
    t.is(tree.status, 0, tree.stderr)
    t.notRegex(tree.stdout, /^(rayon|rayon-core|tokio|threadpool|async-std|smol) /m)
  })
}

test('a kernel of a pack is there by its name, without the entry, and not before it is asked for', async (t) => {
  const { code, stdout, stderr } = await runScript(`
    import { readFileSync } from 'node:fs'
    import { kernel, Pool } from 'heavy-load'
    const isLoaded = () => readFileSync('/proc/self/maps', 'utf8').includes('passwords.node')
    console.log(isLoaded())
    const pool = new Pool({ threads: 1 })
    console.log((await pool.run('hashPassword', 'secret', { memoryCost: 8, timeCost: 1 })).slice(0, 10))
    console.log(kernel('verifyPassword').name, isLoaded())
    await pool.close()
  `)
  t.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'false\n$argon2id$\nverifyPassword true\n', stderr: '' })
})

test('a pack without a binary says how to get it', (t) => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'heavy-load-packs-'))
  t.teardown(() => fs.rmSync(folder, { recursive: true }))
  for (const name of ['lib', 'index.js', 'package.json'])
    fs.cpSync(join(root, name), join(folder, name), { recursive: true })
  for (const name of fs.readdirSync(root)) {
    if (name.endsWith('.node')) fs.copyFileSync(join(root, name), join(folder, name))
  }
  fs.mkdirSync(join(folder, 'packs/passwords'), { recursive: true })
  fs.copyFileSync(join(root, 'packs/passwords/index.js'), join(folder, 'packs/passwords/index.js'))
  const { NAPI_RS_NATIVE_LIBRARY_PATH: _, ...env } = process.env
  const script = `
    try { require('./packs/passwords/index.js') } catch ({ code, message }) { console.log(code, message) }
    require('./index.js').defaultPool.run('hashPassword', '').catch(({ code, message }) => console.log(code, message))
  `
  const { stdout } = spawnSync(process.execPath, ['-e', script], { cwd: folder, env, encoding: 'utf8' })
  const [first, second] = stdout.split('\n')
  t.regex(first, /^ERR_PLUGIN_LOAD heavy-load\/passwords has no binary here.* `npm run build -- passwords`/)
  t.regex(
    second,
    /^ERR_UNKNOWN_KERNEL There is no kernel 'hashPassword'; it is of the pack heavy-load\/passwords, which/,
  )
})
