// Builds the addon: the one place that knows napi's flags. `--tests` builds the one with the test kernels instead.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)
const require = createRequire(import.meta.url)
const cli = join(dirname(require.resolve('@napi-rs/cli/package.json')), 'dist', 'cli.js')
const flags = process.argv.includes('--tests')
  ? ['--profile', 'test-addon', '--features', 'test-kernels', '--output-dir', '__test__/native', '--no-js']
  : ['--release', '--no-js', '--dts', 'native.d.ts']
const args = [cli, 'build', '--platform', '--no-const-enum', ...flags, '--', '--locked']
process.exitCode = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1
