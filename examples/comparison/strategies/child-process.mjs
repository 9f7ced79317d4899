// A process for every request, which is told to start and tells of its progress and its end over IPC.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('../workers/child-process.mjs', import.meta.url))

export const strategy = {
  name: 'child-process',
  job: 'count',
  title: 'Child process for each request',
  summary:
    'fork() for every request: a crash costs one request only, but each pays for the start and the memory of a Node.js process, and nothing limits their number.',
  can: { parallel: false, progress: true, cancel: true, zeroCopy: false, otherMachines: false },
  async open() {
    return { run, async close() {} }
  },
}

async function run(iterations, { signal, onProgress }) {
  let answer
  const child = fork(script)
  child.on('message', (message) => {
    if (message.type === 'progress') onProgress(message.fraction)
    if (message.type === 'end') answer = message.answer
  })
  // A process that counts looks at no message and needs no time to tidy up.
  const kill = () => child.kill('SIGKILL')
  signal.addEventListener('abort', kill)
  try {
    // Its last message may come after the news that it has ended, but not after the end of the channel.
    const ended = Promise.all([once(child, 'exit'), once(child, 'disconnect')])
    // Should it have died already, its exit code says more than a failure to tell it so.
    child.send({ type: 'start', iterations }, () => {})
    const [[code, killedBy]] = await ended
    signal.throwIfAborted()
    if (code !== 0 || answer === undefined)
      throw new Error(`The child process ended without an answer (${code ?? killedBy})`)
    return answer
  } finally {
    signal.removeEventListener('abort', kill)
  }
}
