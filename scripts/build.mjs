// Builds the addon: the one place that knows napi's flags. `--tests` builds the one with the test kernels instead, and the same kernels as a
// plug-in.
import { spawnSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)
const require = createRequire(import.meta.url)
const cli = join(dirname(require.resolve('@napi-rs/cli/package.json')), 'dist', 'cli.js')
const forTests = process.argv.includes('--tests')
const flags = forTests
  ? ['--profile', 'test-addon', '--features', 'test-kernels', '--output-dir', '__test__/native', '--no-js']
  : ['--release', '--no-js', '--dts', 'native.d.ts']
const args = [cli, 'build', '--platform', '--no-const-enum', ...flags, '--', '--locked']
process.exitCode = run(process.execPath, args)
if (forTests && process.exitCode === 0) process.exitCode = buildPlugin()

/** The kernels of the tests' addon once more, as `__test__/native/plugged.node`. */
function buildPlugin() {
  const crate = 'heavy-load-test-plugin'
  const status = run('cargo', [
    'build',
    '--locked',
    '-p',
    crate,
    '--profile',
    'test-addon',
    '--features',
    'test-kernels',
  ])
  const name = crate.replaceAll('-', '_')
  const file = { win32: `${name}.dll`, darwin: `lib${name}.dylib` }[process.platform] ?? `lib${name}.so`
  if (status === 0) copyFileSync(join(root, 'target/test-addon', file), join(root, '__test__/native/plugged.node'))
  return status
}

function run(command, args) {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status ?? 1
}
