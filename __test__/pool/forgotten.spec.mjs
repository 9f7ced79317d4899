// What nobody knows any more goes: pools with their threads, copies of the package, leases, and the inputs of calls.
import test from 'ava'
import { runFixture } from '../helpers/child.mjs'

const CASES = {
  'pools: their threads and registrations': { pools: 300 },
  'pools with listeners': { pools: 100, listening: true },
}

for (const [name, options] of Object.entries(CASES)) {
  test.serial(name, async (t) => {
    const args = [JSON.stringify(options)]
    const { code, stdout, stderr } = await runFixture('forgotten-pools', { args, flags: ['--expose-gc'] })
    t.is(code, 0, stderr)
    // The last may still be somewhere on the stack.
    const { threads, registered } = JSON.parse(stdout)
    t.true(threads <= 4, `${threads} threads are left`)
    t.true(registered <= 2, `${registered} registrations are left`)
  })
}

test.serial('copies of the package: one listener, and no copy is left', async (t) => {
  const { code, stdout, stderr } = await runFixture('forgotten-copies.cjs', { flags: ['--expose-gc'] })
  t.is(code, 0, stderr)
  const { copies, listeners, values } = JSON.parse(stdout)
  t.deepEqual(values, Array(100).fill(10), 'each works')
  t.true(listeners <= 1, `${listeners} listeners for the exit`)
  t.true(copies <= 3, `${copies} of 100 copies are left`)
})

test.serial("a queued copy does not keep the caller's original", async (t) => {
  const { code, stdout, stderr } = await runFixture('forgotten-inputs', { flags: ['--expose-gc'] })
  t.is(code, 0, stderr)
  const { alive, right } = JSON.parse(stdout)
  t.is(right, 20)
  t.true(alive <= 1, `${alive} of 20 originals are alive`)
})

for (const form of ['sort', 'sortAsync']) {
  test.serial(
    `${form}: what aborted tasks have borrowed does not pile up in code that awaits only promises`,
    async (t) => {
      const { code, stdout, stderr } = await runFixture('forgotten-leases', { args: [form], flags: ['--expose-gc'] })
      t.is(code, 0, stderr)
      const { peakMiB } = JSON.parse(stdout)
      // 200 times 8 MiB; some 64 MiB may be lent at a time.
      t.true(peakMiB < 600, `${peakMiB} MiB`)
    },
  )
}

test.serial('keys are forgotten with their tasks', async (t) => {
  const { code, stdout, stderr } = await runFixture('forgotten-keys', { flags: ['--expose-gc'] })
  t.is(code, 0, stderr)
  const { leftMiB } = JSON.parse(stdout)
  // 200,000 keys of 3,000 characters would be 570; what allocators keep for the next load varies by a hundred.
  t.true(leftMiB < 250, `${leftMiB} MiB`)
})
