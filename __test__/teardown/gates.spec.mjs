// The end of an environment frees the places that its functions hold, whatever those are waiting for.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import test from 'ava'
import { defaultPool, heavyLoad } from 'heavy-load'
import { runFixture } from '../helpers/child.mjs'
import { idle } from '../helpers/pool.mjs'

const fixture = new URL('../fixtures/teardown-gates-worker.mjs', import.meta.url)

for (const how of ['terminate', 'exit', 'uncaught exception']) {
  test.serial(`a worker thread's places are free after: ${how}`, async (t) => {
    const worker = new Worker(fixture, { workerData: how })
    worker.on('error', () => {})
    await once(worker, 'message')
    const waiting = heavyLoad(1000)
    const ended = new Promise((resolve) => worker.once('exit', resolve))
    if (how === 'terminate') worker.terminate()
    else worker.postMessage('end')
    await ended
    t.is(await waiting, 1000)
    await idle(defaultPool)
    t.is(await defaultPool.gate(async () => 'goes on'), 'goes on')
  })
}

test.serial('a process ends though a function never settles', async (t) => {
  const { code, signal, stderr } = await runFixture('teardown-gates-exit')
  t.deepEqual({ code, signal, stderr }, { code: 3, signal: null, stderr: '' })
})
