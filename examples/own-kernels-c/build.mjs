// Builds kernels.c with the system's C compiler: kernels.node beside this file.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

const root = import.meta.dirname
// In a project of your own: node_modules/heavy-load/include
const include = join(root, '../../include')
const flags = ['-std=c11', '-O2', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-I', include]
execFileSync(process.env.CC ?? 'cc', [...flags, join(root, 'kernels.c'), '-o', join(root, 'kernels.node')], {
  stdio: 'inherit',
})
