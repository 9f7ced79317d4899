// Builds the crate: kernels.node beside this file, and its types.
import { execFileSync } from 'node:child_process'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = import.meta.dirname
const built = { win32: 'own_kernels.dll', darwin: 'libown_kernels.dylib' }[process.platform] ?? 'libown_kernels.so'
const library = join(root, 'kernels.node')
execFileSync('cargo', ['build', '--release', '--locked', '--target-dir', 'target'], { cwd: root, stdio: 'inherit' })
copyFileSync(join(root, 'target/release', built), library)

// In a project of your own: npx heavy-load types kernels.node
const cli = join(root, '../../lib/cli/index.js')
writeFileSync(join(root, 'kernels.d.ts'), execFileSync(process.execPath, [cli, 'types', library]))
