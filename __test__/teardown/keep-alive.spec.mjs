// A process lives exactly as long as it has tasks in flight.
import test from 'ava'
import { runFixture } from '../helpers/child.mjs'

const onLinux = process.platform === 'linux' ? test.serial : test.skip

/** Scenarios of the fixture, with what they print before the process ends by itself. */
const SCENARIOS = {
  'the package is loaded and not used': 'end of main',
  'the default pool is only looked at': 'end of main',
  'a pool is made and not used': 'end of main',
  'a pool is idle after a task': 'end of main, ok',
  'tasks are in flight at the end of main': 'end of main, ok, ok, ok, ok',
  'tasks are in flight after a pause': 'end of main, ok, ok',
  'a result starts the next task': 'end of main, ok, ok, ok',
  'an endless task is aborted': 'end of main, ABORT_ERR, ABORT_ERR',
  'an endless task runs out of time': 'end of main, ERR_TASK_TIMEOUT, ERR_TASK_TIMEOUT',
  'a task is done long before its timeout': 'end of main, ok, ok',
  'a task is done whose progress is watched': 'end of main, ok, ok',
  'a signal outlives its task': 'end of main, ok, ok',
  'a pool is closed and not waited for': 'end of main, ok',
  'a gate waits for what keeps nothing alive': 'end of main, ok, ok',
  'a loop over map is left': 'end of main, ok',
}

for (const [scenario, printed] of Object.entries(SCENARIOS)) {
  test.serial(scenario, async (t) => {
    const { code, signal, stdout, stderr } = await runFixture('keep-alive', { args: [scenario] })
    t.is(stderr, '')
    t.deepEqual({ code, signal }, { code: 0, signal: null })
    // 'beforeExit' comes when nothing keeps the event loop alive any more: not before the last result.
    t.is(stdout.trim().replaceAll('\n', ', '), `${printed}, beforeExit`)
  })
}

onLinux('loading the package starts no threads, the first task does', async (t) => {
  const { stdout } = await runFixture('threads-at-start', { env: { HEAVY_LOAD_THREADS: '3' } })
  t.deepEqual(JSON.parse(stdout), { loaded: 0, used: 3 })
})
