// Builds the crate for this platform, and makes its types: kernels.PLATFORM-ARCH.node and index.d.ts.
import { execFileSync } from 'node:child_process'
import { copyFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const root = import.meta.dirname
const name = '__NAME__'.replaceAll('-', '_')
const built = { win32: `${name}.dll`, darwin: `lib${name}.dylib` }[process.platform] ?? `lib${name}.so`
const library = join(root, `kernels.${process.platform}-${process.arch}.node`)

execFileSync('cargo', ['build', '--release', '--target-dir', 'target'], { cwd: root, stdio: 'inherit' })
copyFileSync(join(root, 'target/release', built), library)

const require = createRequire(import.meta.url)
const cli = join(dirname(require.resolve('heavy-load/package.json')), 'lib/cli/index.js')
const types = execFileSync(process.execPath, [cli, 'types', library], { encoding: 'utf8' })
writeFileSync(join(root, 'index.d.ts'), `${types}\ndeclare const kernels: LoadedKernels\nexport default kernels\n`)
