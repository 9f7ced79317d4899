// The folders that are published, as publint and Are The Types Wrong see them: no advice, and types that every module resolution finds.
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { root } from '../helpers/root.mjs'

const execute = promisify(execFile)
const require = createRequire(import.meta.url)
const attw = require('@arethetypeswrong/cli/package.json')
const attwFile = join(dirname(require.resolve('@arethetypeswrong/cli/package.json')), attw.bin.attw)

let staged
test.before(async () => {
  staged = mkdtempSync(join(tmpdir(), 'heavy-load-published-'))
  await execute(process.execPath, [join(root, 'scripts/stage.mjs'), staged])
})
test.after.always(() => rmSync(staged, { recursive: true }))

test('publint has nothing to say', async (t) => {
  const packages = readdirSync(staged)
  t.true(packages.includes('heavy-load') && packages.length > 1)
  for (const name of packages) {
    const pkgDir = join(staged, name)
    const { messages, pkg } = await publint({ pkgDir, level: 'suggestion', strict: true })
    t.deepEqual(
      messages.map((message) => formatMessage(message, pkg)),
      [],
      name,
    )
  }
})

test('the types are those of the code, by every resolution and every subpath', async (t) => {
  const { exports } = require('../../package.json')
  const shell = process.platform === 'win32'
  const { stdout } = await execute('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', staged], {
    cwd: join(staged, 'heavy-load'),
    shell,
  })
  const tarball = join(staged, JSON.parse(stdout)[0].filename)
  const report = await execute(process.execPath, [attwFile, tarball, '--format', 'json']).catch((failure) => failure)
  t.is(report.code ?? 0, 0, report.stdout)
  const { analysis } = JSON.parse(report.stdout)
  t.deepEqual(Object.keys(analysis.entrypoints).sort(), Object.keys(exports).sort())
  t.deepEqual(analysis.problems, [])
})
