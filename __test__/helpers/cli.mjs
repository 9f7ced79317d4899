// The command line tool, in processes of its own.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from './root.mjs'

const { version, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const file = join(root, bin['heavy-load'])
/** A process that hangs is killed after this: then its `signal` is SIGKILL. */
const LONGEST_MS = 60_000

export { version }

/** Of every process that was started, what it has written. */
export const written = []

/** Starts it; `end` resolves when it has ended. With `keepOpen`, its standard input never ends. */
export function startCli(args, { env = {}, cwd, input, keepOpen = false, onTerminal = false } = {}) {
  const [command, ...rest] = onTerminal
    ? terminal([process.execPath, file, ...args])
    : [process.execPath, file, ...args]
  const child = spawn(command, rest, {
    env: { ...process.env, REDIS_URL: undefined, HEAVY_LOAD_THREADS: undefined, ...env },
    cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const kill = () => child.kill('SIGKILL')
  const bound = setTimeout(kill, LONGEST_MS)
  // However the tests end, it does not outlive them.
  process.once('exit', kill)
  // It may have ended without reading.
  child.stdin.on('error', () => {})
  if (!onTerminal && !keepOpen) child.stdin.end(input)
  const chunks = []
  const output = { stdout: '', stderr: '' }
  const listeners = new Set()
  child.stdout.on('data', (chunk) => chunks.push(chunk))
  for (const name of ['stdout', 'stderr']) {
    child[name].on('data', (chunk) => {
      output[name] += chunk
      for (const listener of listeners) listener()
    })
  }
  const end = new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(bound)
      process.off('exit', kill)
      written.push(output.stdout, output.stderr)
      resolve({ code, signal, ...output, bytes: Buffer.concat(chunks) })
    })
  })
  return {
    child,
    end,
    /** Resolves when it has written something of that kind. */
    async says(pattern, where = 'stderr') {
      const said = new Promise((resolve) => {
        const look = () => {
          const match = pattern.exec(output[where])
          if (match === null) return
          listeners.delete(look)
          resolve(match)
        }
        listeners.add(look)
        look()
      })
      const match = await Promise.race([said, end])
      if ('code' in match) throw new Error(`It has ended without ${pattern}:\n${JSON.stringify(match)}`)
      return match
    },
  }
}

/** Runs it to its end. */
export function runCli(args, options) {
  return startCli(args, options).end
}

/** An environment where packages are not installed. */
export function without(names) {
  const fixture = fileURLToPath(new URL('../fixtures/cli-without-packages.cjs', import.meta.url))
  return { NODE_OPTIONS: `--require "${fixture}"`, HIDDEN: names }
}

/** With a terminal, whose output is all in `stdout`. Some shells stay above what they run, and Ctrl-C is for them, too: hence `exec`. */
function terminal(command) {
  const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`)
  return ['script', '--quiet', '--return', '--command', `exec ${quoted.join(' ')}`, '/dev/null']
}
