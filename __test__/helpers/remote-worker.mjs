// Workers in processes of their own, which can be killed.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { signalled } from './remote-open.mjs'
import { testAddonFile } from './test-addon-file.mjs'

const fixture = fileURLToPath(new URL('../fixtures/remote-worker.mjs', import.meta.url))

/**
 * Resolves when it takes jobs. It ends with the test.
 * @param {any} t
 * @param {{ url: string }} redis
 * @param {{ name: string }} remote
 * @param {any} [options] of startWorker, as far as they are JSON, and of the fixture
 * @param {{ misbehaves?: boolean }} [how]
 */
export async function forkWorker(t, redis, remote, options, { misbehaves = false } = {}) {
  const settings = { connection: redis.url, queue: remote.name, lockDuration: 500, ...options }
  const child = fork(fixture, [JSON.stringify(settings)], {
    env: { ...process.env, ...(misbehaves ? { NAPI_RS_NATIVE_LIBRARY_PATH: testAddonFile() } : {}) },
    // A kernel that panics says so.
    stdio: ['ignore', 'inherit', misbehaves ? 'ignore' : 'inherit', 'ipc'],
  })
  // All that it has sent has been heard by then.
  const exited = Promise.all([once(child, 'exit'), once(child, 'disconnect')]).then(([how]) => how)
  const stop = () => child.kill('SIGKILL')
  process.once('exit', stop)
  exited.then(() => process.off('exit', stop))

  let asked = 0
  const waiting = new Map()
  let isReady = false
  const ready = signalled()
  child.on('message', (message) => {
    if (message === 'ready') {
      isReady = true
      ready.tell()
    }
    if (message.died) worker.died = true
    const { id, error, answer } = message
    const question = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) question?.resolve(answer)
    else question?.reject(new Error(error))
  })
  const worker = {
    child,
    exited,
    /** Whether it has met the job that it does not survive. */
    died: false,
    ask(what, argument) {
      return new Promise((resolve, reject) => {
        waiting.set(++asked, { resolve, reject })
        child.send({ id: asked, what, argument })
      })
    },
    /** Resolves with code and signal when it has ended. */
    async kill(signal = 'SIGKILL') {
      child.kill(signal)
      return exited
    },
  }
  t.teardown(() => worker.kill())
  // It may have died of a job, as it was told to, before it is ready to say anything else.
  await Promise.race([ready.told, exited])
  if (!isReady && !worker.died) throw new Error('The worker has not started')
  return worker
}
