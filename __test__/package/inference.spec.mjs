// The declarations infer what calls give and take, for both kinds of modules and under both of today's module resolutions.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test from 'ava'
import { root } from '../helpers/root.mjs'

const require = createRequire(import.meta.url)
const tstyche = join(dirname(require.resolve('tstyche/package.json')), require('tstyche/package.json').bin)
const source = join(root, '__test__/types')

for (const [resolution, module] of [
  ['nodenext', 'nodenext'],
  ['bundler', 'preserve'],
]) {
  test(`strict, moduleResolution: ${resolution}, ES modules and CommonJS`, (t) => {
    // A folder of its own, as a project of a user's has: the package is found in node_modules, and the suffix alone says what a module is.
    const folder = mkdtempSync(join(tmpdir(), 'heavy-load-types-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    mkdirSync(join(folder, 'node_modules'))
    link(root, join(folder, 'node_modules/heavy-load'))
    for (const name of ['@types', 'tstyche']) link(join(root, 'node_modules', name), join(folder, 'node_modules', name))
    for (const file of readdirSync(source)) {
      if (!file.includes('.tst.') && file !== 'contract.d.ts') continue
      const kinds = file.endsWith('.tst.ts') ? ['.mts', '.cts'] : [/\.d\.ts$|\.[cm]ts$/.exec(file)[0]]
      for (const kind of kinds) copyFileSync(join(source, file), join(folder, file.replace(/(\.d)?\.[cm]?ts$/, kind)))
    }
    const compilerOptions = {
      module,
      moduleResolution: resolution,
      target: 'es2022',
      lib: ['es2024', 'esnext.disposable'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      noUncheckedSideEffectImports: true,
      noEmit: true,
      types: ['node'],
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
    writeFileSync(join(folder, 'package.json'), '{}')
    const { status, stdout, stderr } = spawnSync(process.execPath, [tstyche], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, TSTYCHE_NO_COLOR: '1', TSTYCHE_NO_INTERACTIVE: '1' },
    })
    t.is(status, 0, stdout + stderr)
    t.regex(stdout, /Test files: .*[1-9]\d* passed/)
  })
}

/** A junction needs no rights on Windows. */
function link(target, path) {
  symlinkSync(target, path, 'junction')
}
