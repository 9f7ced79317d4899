// The comparison server in a process of its own, on a free port: what blocks it does not block who asks it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const file = fileURLToPath(new URL('../examples/comparison/index.mjs', import.meta.url))

/** Resolves with its `url` when it listens. `stop()` asks it to end, and resolves with its exit code and signal. */
export async function startComparison(env = {}) {
  const child = spawn(process.execPath, [file], {
    env: { ...process.env, ...env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit')
  const kill = () => child.kill('SIGKILL')
  // However the caller ends, the server does not outlive it.
  process.once('exit', kill)
  const lines = createInterface({ input: child.stdout })
  const [line] = await Promise.race([once(lines, 'line'), once(lines, 'close')])
  if (line === undefined) throw new Error('The comparison server did not start')
  return {
    url: line.split(' ').at(-1),
    async stop() {
      child.kill('SIGTERM')
      const [code, signal] = await exit
      process.off('exit', kill)
      return { code, signal }
    },
  }
}
