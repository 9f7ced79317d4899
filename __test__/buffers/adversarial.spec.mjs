// JavaScript cannot make Rust read memory that was freed or moved, whatever it does to a buffer, and whenever.
import test from 'ava'
import { runFixture } from '../helpers/child.mjs'

const HAND_OVERS = ['copy', 'transfer', 'shared', 'frozen']
const ROUNDS = 1000
const WORKERS = 12

for (const kernel of ['hash', 'sort', 'heavyLoadShared']) {
  for (const handOver of HAND_OVERS) {
    // One after the other: each has threads of its own.
    test.serial(`${ROUNDS} rounds of ${kernel}, ${handOver}`, async (t) => {
      const seed = Date.now() % 1e9
      const args = [kernel, handOver, ROUNDS, seed].map(String)
      const { code, signal, stdout, stderr } = await runFixture('buffers-adversary', { args, flags: ['--expose-gc'] })
      t.deepEqual({ code, signal }, { code: 0, signal: null }, `seed ${seed}: ${stderr}`)
      const tally = Object.values(JSON.parse(stdout))
      t.is(
        tally.reduce((sum, count) => sum + count, 0),
        ROUNDS,
      )
    })
  }
}

for (const handOver of [...HAND_OVERS, 'a result']) {
  test.serial(`${WORKERS} worker threads are terminated, ${handOver}`, async (t) => {
    const { code, signal, stdout, stderr } = await runFixture('buffers-terminate', {
      args: [handOver, String(WORKERS)],
    })
    t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
    t.deepEqual(JSON.parse(stdout), { terminated: WORKERS, same: true })
  })
}
