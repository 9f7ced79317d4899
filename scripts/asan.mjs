// Runs the tests of buffers, of ends of processes, and of what plug-ins do wrong, under AddressSanitizer: a kernel that read memory which JavaScript has
// freed, V8's included, would end the process. Needs Linux and GCC's runtime of the sanitizer; the addon is built for it by
// Rust's own, which is there on stable, behind a flag that is not.
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'

const root = dirname(import.meta.dirname)
const target = execFileSync('rustc', ['-vV'], { encoding: 'utf8' }).match(/^host: (.*)$/m)[1]
const runtime = execFileSync('gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim()
if (process.platform !== 'linux' || !isAbsolute(runtime)) {
  console.error('asan: needs Linux and libasan, which comes with GCC')
  process.exit(1)
}

// Tests ask for memory that there is not, and make tables of kernels for ever, as plug-ins do.
const compiler = {
  ...process.env,
  RUSTC_BOOTSTRAP: '1',
  RUSTFLAGS: '-Zsanitizer=address',
  ASAN_OPTIONS: 'allocator_may_return_null=1:detect_leaks=0',
}
const folder = join(root, 'target/asan')
// With a target, so that the flags are not those of what runs in the compiler, too.
const cargo = (command, ...args) =>
  run('cargo', [command, '--locked', '--target', target, '--target-dir', folder, ...args], compiler)
// Queries run, and unwind, on stacks of their own, on one thread and then on another, of which nobody tells the sanitizer: it reports what is no fault.
cargo('test', '--workspace', '--exclude', 'heavy-load', '--lib', '--quiet', '--', '--skip', 'json::tests')
cargo('build', '--profile', 'test-addon', '--features', 'test-kernels', '--lib', '--quiet')
const addon = join(folder, 'heavy-load.node')
copyFileSync(join(folder, target, 'test-addon/libheavy_load.so'), addon)

const node = {
  ...process.env,
  NAPI_RS_NATIVE_LIBRARY_PATH: addon,
  LD_PRELOAD: runtime,
  // Node does not free what ends with the process; V8 handles some faults itself; WebAssembly reserves a lot of addresses.
  ASAN_OPTIONS: 'detect_leaks=0:handle_segv=0:allocator_may_return_null=1',
}
const dangle = "require('./index.js').defaultPool.run('misbehave', 'dangle').then(() => process.exit(0))"
const control = spawnSync(process.execPath, ['-e', dangle], { cwd: root, env: node, encoding: 'utf8' })
if (!control.stderr.includes('AddressSanitizer: heap-use-after-free')) {
  console.error(`asan: a read of freed memory went unnoticed:\n${control.stderr}`)
  process.exit(1)
}

const ava = join(root, 'node_modules/ava/entrypoints/cli.mjs')
// Not those in `buffers/costs/`: they compare times and memory, and the sanitizer changes both.
run(
  process.execPath,
  [ava, '__test__/buffers/*.spec.mjs', '__test__/teardown/*.spec.mjs', '__test__/plugins/faults.spec.mjs'],
  node,
)

function run(command, args, env) {
  const { status } = spawnSync(command, args, { cwd: root, env, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
