// Whatever callers' code does: every promise settles once with the truth, and the counts are what callers saw.
import test from 'ava'
import { runFixture } from '../helpers/child.mjs'

const UNCAUGHT = ['foreign removeEventListener']
const WARNED = ['A metric was not recorded: foreign sink']

/** Node itself keeps a little of each thread that was terminated. */
for (const { seed, threads, most } of [
  { seed: Date.now() % 1e6, threads: false, most: 1.05 },
  { seed: 1, threads: true, most: 1.15 },
]) {
  test.serial(
    `100,000 tasks at random, seed ${seed}, ${threads ? 'beside' : 'without'} threads that end`,
    async (t) => {
      const args = [seed, 100_000, 1000, Number(threads)].map(String)
      const { code, signal, stdout, stderr } = await runFixture('instance-property', { args, flags: ['--expose-gc'] })
      t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
      const { faults, uncaught, warned, heap, rss } = JSON.parse(stdout)
      t.deepEqual(faults, [])
      t.deepEqual(uncaught, UNCAUGHT, 'what foreign code throws is an uncaught exception, not lost')
      t.deepEqual(warned, WARNED, 'or a warning, of metrics')
      t.true(heap < (threads ? 1.1 : 1.05), `the heap grew to ${heap} times what it was`)
      t.true(rss < most, `the process grew to ${rss} times what it was`)
    },
  )
}
