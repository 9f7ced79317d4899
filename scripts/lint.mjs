// Formatting and lint checks, all of them; `--fix` mends what can be mended.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)
const fix = process.argv.includes('--fix')
// `cargo fmt` does not see the modules that the registry's macro declares.
const kernels = readdirSync(join(root, 'crates/kernels/src')).map((file) => `crates/kernels/src/${file}`)
const clippy = ['clippy', '--locked', '--quiet']

const checks = [
  ['cargo', ['fmt', '--all', ...(fix ? [] : ['--check'])]],
  ['rustfmt', ['--edition', '2024', ...(fix ? [] : ['--check']), ...kernels]],
  ['cargo', [...clippy, '--features', 'test-kernels', '--', '-D', 'warnings']],
  [
    'cargo',
    [...clippy, '--workspace', '--exclude', 'heavy-load', '--all-targets', '--all-features', '--', '-D', 'warnings'],
  ],
  ['node', ['scripts/circles.mjs']],
  ['npx', ['biome', 'check', '--error-on-warnings', ...(fix ? ['--write'] : [])]],
  ['npx', ['tsc']],
]
for (const [command, args] of checks) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) {
    console.error(`failed: ${command} ${args.join(' ')}`)
    process.exitCode = 1
  }
}
