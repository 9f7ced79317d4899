// Builds what is native: the one place that knows napi's flags and where cargo puts things.
//   node scripts/build.mjs            the addon and all packs
//   node scripts/build.mjs addon      the addon
//   node scripts/build.mjs image      that pack
//   node scripts/build.mjs --tests    the addon with the test kernels, and these kernels once more as a plug-in
//   node scripts/build.mjs --glibc 2.17   on Linux: all of it for systems with that glibc or a later one; needs cargo-zigbuild and zig
import { spawnSync } from 'node:child_process'
import { copyFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { PACKS } from './packs.mjs'
import { PLATFORMS } from './platforms.mjs'

const root = dirname(import.meta.dirname)
/** Where binaries for an old glibc are built. */
const here = `linux-${process.arch}-gnu`
const names = process.argv.slice(2)
const [glibc] = names[0] === '--glibc' ? names.splice(0, 2).slice(1) : []
const parts = names.length > 0 ? names : ['addon', ...PACKS]
for (const part of parts) {
  const status = build(part)
  if (status !== 0) process.exit(status)
}

function build(part) {
  if (part === 'addon' && glibc !== undefined) return buildOld('heavy-load', `heavy-load.${here}.node`)
  if (part === 'addon') return buildAddon(['--release', '--no-js', '--dts', 'native.d.ts'])
  if (part === '--tests') {
    const profile = ['--profile', 'test-addon', '--features', 'test-kernels']
    return (
      buildAddon([...profile, '--output-dir', '__test__/native', '--no-js']) ||
      buildPlugin('heavy-load-test-plugin', profile, 'test-addon', '__test__/native/plugged.node')
    )
  }
  if (PACKS.includes(part) && glibc !== undefined) return buildOld(`heavy-load-${part}`, `packs/${part}/${part}.node`)
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
  return copy(crate, folder, to)
}

/** A crate's dynamic library for an old glibc, as `to`. */
function buildOld(crate, to) {
  const { triple } = PLATFORMS[here]
  const status = run('cargo', ['zigbuild', '--locked', '--release', '-p', crate, '--target', `${triple}.${glibc}`])
  return status === 0 ? copy(crate, join(triple, 'release'), to) : status
}

function copy(crate, folder, to) {
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
