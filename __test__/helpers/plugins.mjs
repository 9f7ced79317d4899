// Plug-ins for tests: the built-in kernels once more, and one in C whose kernel does what its input says.
import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The kernels of the tests' addon as a plug-in: `heavyLoad` is `pluggedHeavyLoad` there. `npm run setup -- --tests` builds it. */
export const PLUGGED = fileURLToPath(new URL('../native/plugged.node', import.meta.url))

const source = fileURLToPath(new URL('../fixtures/plugin.c', import.meta.url))
const include = fileURLToPath(new URL('../../include', import.meta.url))
let folder

/** Builds fixtures/plugin.c with these macros, and gives the file. */
export function buildPlugin(name, macros = {}) {
  folder ??= mkdtempSync(join(tmpdir(), 'heavy-load-plugins-'))
  const file = join(folder, `${name}.node`)
  const defines = Object.entries({ NAME: `"${name}"`, ...macros }).map(([macro, value]) => `-D${macro}=${value}`)
  const flags = [
    '-std=c11',
    '-D_POSIX_C_SOURCE=199309L',
    '-O1',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-shared',
    '-fPIC',
    '-I',
    include,
  ]
  execFileSync('cc', [...flags, ...defines, source, '-o', file], { stdio: ['ignore', 'inherit', 'inherit'] })
  return file
}
