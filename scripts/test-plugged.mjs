// Runs the forms' and the pool's own tests once more, with the built-in kernels behind the border of plug-ins: see `plugged` in src/registry.rs.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)
const native = join(root, '__test__/native')
const addon = readdirSync(native).find((name) => name.startsWith('heavy-load.') && name.endsWith('.node'))
// Not those that list the kernels that users have: the tests' addon has more. Not streams, which plug-ins do not take.
const specs = [
  '__test__/kernels/{panics,growth,event-loop}.spec.mjs',
  '__test__/pool/**/*.spec.mjs',
  '__test__/signals-and-timeouts/**/*.spec.mjs',
  '__test__/buffers/*.spec.mjs',
  '!__test__/buffers/private-memory.spec.mjs',
  '__test__/teardown/**/*.spec.mjs',
]
const env = { ...process.env, HEAVY_LOAD_TEST_PLUGGED: '1', NAPI_RS_NATIVE_LIBRARY_PATH: join(native, addon) }
const ava = join(root, 'node_modules/ava/entrypoints/cli.mjs')
process.exitCode = spawnSync(process.execPath, [ava, ...specs], { cwd: root, env, stdio: 'inherit' }).status ?? 1
