// Formatting and lint checks, all of them; `--fix` mends what can be mended.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)
const fix = process.argv.includes('--fix')
// `cargo fmt` does not see the modules that the registry's macro declares.
const kernels = readdirSync(join(root, 'src/kernels')).map((file) => `src/kernels/${file}`)
const clippy = ['clippy', '--locked', '--quiet', '--features', 'test-kernels']

const checks = [
  ['cargo', ['fmt', ...(fix ? [] : ['--check'])]],
  ['rustfmt', ['--edition', '2024', ...(fix ? [] : ['--check']), ...kernels]],
  ['cargo', [...clippy, '--', '-D', 'warnings']],
  ['cargo', [...clippy, '--no-default-features', '--all-targets', '--', '-D', 'warnings']],
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
