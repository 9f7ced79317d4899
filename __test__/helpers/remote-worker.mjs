// Workers in processes of their own, which can be killed.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const fixture = fileURLToPath(new URL('../fixtures/remote-worker.mjs', import.meta.url))

/** The addon that has the kernel that misbehaves on purpose. */
function testAddon() {
  const folder = new URL('../native/', import.meta.url)
  const [file] = readdirSync(folder).filter((name) => name.endsWith('.node'))
  return fileURLToPath(new URL(file, folder))
}

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
    env: { ...process.env, ...(misbehaves ? { NAPI_RS_NATIVE_LIBRARY_PATH: testAddon() } : {}) },
    // A kernel that panics says so.
    stdio: ['ignore', 'inherit', misbehaves ? 'ignore' : 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit')
  const stop = () => child.kill('SIGKILL')
  process.once('exit', stop)
  exited.then(() => process.off('exit', stop))

  let asked = 0
  const waiting = new Map()
  child.on('message', ({ id, error, answer }) => {
    const question = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) question?.resolve(answer)
    else question?.reject(new Error(error))
  })
  const worker = {
    pid: child.pid,
    child,
    exited,
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
  const [message] = await Promise.race([once(child, 'message'), exited.then(() => ['has exited'])])
  if (message !== 'ready') throw new Error(`The worker has not started: ${message}`)
  return worker
}
