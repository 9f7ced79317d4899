// However a process, a worker thread or a pool ends, with work running and queued: no crash, no hang, and the others go on.
import test from 'ava'
import { runFixture } from '../helpers/child.mjs'
import { FORMS } from '../helpers/endless-work.mjs'

/** How a process ends, and its exit code. */
const PROCESS_ENDS = {
  exit: 7,
  'exit in a later turn': 7,
  'exit in a callback of a task': 7,
  'exit in a reaction to a result': 7,
  'uncaught exception': 1,
  'unhandled rejection': 1,
}
const WORKER_ENDS = {
  terminate: { exitCode: 1, errors: [] },
  exit: { exitCode: 7, errors: [] },
  'uncaught exception': { exitCode: 1, errors: ['on purpose'] },
}

for (const form of FORMS) {
  for (const [how, expected] of Object.entries(PROCESS_ENDS)) {
    test.serial(`${form}: process, ${how}`, async (t) => {
      const { code, signal, stdout, stderr } = await runFixture('teardown-process', { args: [form, how] })
      t.deepEqual({ code, signal }, { code: expected, signal: null }, stderr)
      t.is(stdout, 'running\n')
    })
  }

  for (const [how, expected] of Object.entries(WORKER_ENDS)) {
    test.serial(`${form}: worker thread, ${how}`, async (t) => {
      const { code, signal, stdout, stderr } = await runFixture('teardown-beside-worker', { args: [form, how] })
      t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
      t.deepEqual(JSON.parse(stdout), { ...expected, results: [1e9, 1e6, 1e6] })
    })
  }

  test.serial(`${form}: started by an 'exit' listener`, async (t) => {
    const { code, signal, stdout, stderr } = await runFixture('teardown-exit-listener', { args: [form] })
    t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
    t.is(stdout, '10\n')
  })
}

test.serial('100 worker threads, several at a time, terminated in the middle of their work', async (t) => {
  const { code, signal, stdout, stderr } = await runFixture('teardown-many-workers')
  t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
  t.deepEqual(JSON.parse(stdout), { terminated: 100, results: [1e6, 1e6] })
})

test.serial('8 worker threads load the package at once, and all leave before others come', async (t) => {
  const { code, signal, stdout, stderr } = await runFixture('teardown-load-in-workers')
  t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
  t.deepEqual(JSON.parse(stdout), ['1000,1000,1000,270369', 0])
})

test.serial('pools closed while tasks run', async (t) => {
  const { code, signal, stdout, stderr } = await runFixture('teardown-close')
  t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
  t.deepEqual(JSON.parse(stdout), ['ERR_POOL_CLOSED'])
})

test.serial('pools forgotten while tasks run', async (t) => {
  const { code, signal, stdout, stderr } = await runFixture('teardown-collect', { flags: ['--expose-gc'] })
  t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
  t.is(stdout, '64\n')
})
