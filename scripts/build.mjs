// Builds what is native: the one place that knows napi's flags and where cargo puts things.
//   node scripts/build.mjs            the addon and all packs
//   node scripts/build.mjs addon      the addon
//   node scripts/build.mjs image      that pack
//   node scripts/build.mjs --tests    the addon with the test kernels, and these kernels once more as a plug-in
import { spawnSync } from 'node:child_process'
import { copyFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { PACKS } from './packs.mjs'

const root = dirname(import.meta.dirname)
const [...names] = process.argv.slice(2)
const parts = names.length > 0 ? names : ['addon', ...PACKS]
for (const part of parts) {
  const status = build(part)
  if (status !== 0) process.exit(status)
}

function build(part) {
  if (part === 'addon') return buildAddon(['--release', '--no-js', '--dts', 'native.d.ts'])
  if (part === '--tests') {
    const profile = ['--profile', 'test-addon', '--features', 'test-kernels']
    return (
      buildAddon([...profile, '--output-dir', '__test__/native', '--no-js']) ||
      buildPlugin('heavy-load-test-plugin', profile, 'test-addon', '__test__/native/plugged.node')
    )
  }
  if (PACKS.includes(part))
    return buildPlugin(`heavy-load-${part}`, ['--release'], 'release', `packs/${part}/${part}.node`)
  console.error(`There is nothing to build that is called '${part}'. There are: addon, ${PACKS.join(', ')}`)
  return 1
}

function buildAddon(flags) {
  const require = createRequire(import.meta.url)
  const cli = join(dirname(require.resolve('@napi-rs/cli/package.json')), 'dist', 'cli.js')
  return run(process.execPath, [cli, 'build', '--platform', '--no-const-enum', ...flags, '--', '--locked'])
}

/** A crate's dynamic library, as `to`. */
function buildPlugin(crate, flags, folder, to) {
  const status = run('cargo', ['build', '--locked', '-p', crate, ...flags])
  if (status !== 0) return status
  const name = crate.replaceAll('-', '_')
  const file = { win32: `${name}.dll`, darwin: `lib${name}.dylib` }[process.platform] ?? `lib${name}.so`
  // A new file: a process that has loaded the old one keeps it.
  rmSync(join(root, to), { force: true })
  copyFileSync(join(root, 'target', folder, file), join(root, to))
  return 0
}

function run(command, args) {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status ?? 1
}
