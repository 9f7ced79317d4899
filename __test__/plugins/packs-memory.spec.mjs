// What packs do where there is no memory to work in: an error, and the process goes on. Several of their libraries would end it.
import { spawnSync } from 'node:child_process'
import test from 'ava'
import { runFixture } from '../helpers/child.mjs'

const hasLimits = process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0
const testWithLimits = hasLimits ? test : test.skip

/** A busy machine takes minutes. */
const LONGEST_MS = 300_000

for (const pack of ['compression', 'image', 'data']) {
  testWithLimits(`${pack}: less and less memory`, async (t) => {
    // What V8 itself cannot have ends the process: its optimizing compiler asks for much, on a thread of its own.
    const flags = ['--expose-gc', '--max-semi-space-size=1', '--no-opt']
    // What is freed goes back to the system: else it would be there for the next call.
    // With several threads, some allocations of fast_image_resize can still be refused behind its back, which ends the process (SECURITY.md).
    const threads = pack === 'image' ? '1' : '2'
    const env = { HEAVY_LOAD_THREADS: threads, MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_TRIM_THRESHOLD_: '0' }
    t.timeout(2 * LONGEST_MS)
    const how = { flags, env, args: [pack], longest: LONGEST_MS }
    const { code, signal, stdout, stderr } = await runFixture('packs-memory', how)
    t.is(signal, null, stderr)
    t.is(code, 0, stderr)
    const codes = JSON.parse(stdout)
    t.deepEqual(Object.keys(codes).sort(), ['ERR_OUT_OF_MEMORY', 'value'], stdout)
  })
}
