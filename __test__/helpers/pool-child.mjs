// Runs a fixture in a process of its own, and says how that ended.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** A child that hangs is killed after this: then its `signal` is SIGKILL. */
const LONGEST_MS = 60_000

export function runFixture(name, { args = [], env = {}, flags = [], prefix = [] } = {}) {
  const fixture = fileURLToPath(new URL(`../fixtures/${name.includes('.') ? name : `${name}.mjs`}`, import.meta.url))
  const [command, ...rest] = [...prefix, process.execPath, ...flags, fixture, ...args]
  const child = spawn(command, rest, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const bound = setTimeout(() => child.kill('SIGKILL'), LONGEST_MS)
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (text) => {
    stdout += text
  })
  child.stderr.on('data', (text) => {
    stderr += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(bound)
      resolve({ code, signal, stdout, stderr })
    })
  })
}
