// Whatever callers' code does: every promise settles once with the truth, and the counts are what callers saw.
import test from 'ava'
import { runFixture } from './helpers/pool-child.mjs'

const FOREIGN = ['foreign removeEventListener', 'foreign sink']

for (const [seed, tasks] of [
  [1, 100_000],
  [Date.now() % 1e6, 100_000],
]) {
  test.serial(`${tasks} tasks at random, seed ${seed}`, async (t) => {
    const args = [seed, tasks, 1000].map(String)
    const { code, signal, stdout, stderr } = await runFixture('port-property', { args, flags: ['--expose-gc'] })
    t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
    const { faults, uncaught, heap, rss } = JSON.parse(stdout)
    t.deepEqual(faults, [])
    t.deepEqual(uncaught, FOREIGN, 'what foreign code throws is an uncaught exception, not lost')
    t.true(heap < 1.05, `the heap grew to ${heap} times what it was`)
    t.true(rss < 1.05, `the process grew to ${rss} times what it was`)
  })
}
