// Runs a fixture or a script in a process of its own, and says how that ended.
import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { root } from './root.mjs'

/** A child that hangs is killed after this, before ava gives up: then its `signal` is SIGKILL. */
const LONGEST_MS = 110_000

/** A file of `fixtures/`; without an extension, an ES module. `under` is a copy of the checkout, if not this one is to run. */
export function runFixture(
  name,
  { args = [], env = {}, flags = [], prefix = [], longest = LONGEST_MS, under = root } = {},
) {
  const fixture = join(under, '__test__/fixtures', name.includes('.') ? name : `${name}.mjs`)
  return run([...prefix, process.execPath, ...flags, fixture, ...args], { env, longest })
}

/** An ES module, given as text. What it imports is looked for as from the root: 'heavy-load' is this package. */
export function runScript(source, { env = {} } = {}) {
  const command = [process.execPath, '--input-type=module', '--eval', source]
  return run(command, { cwd: root, env, longest: LONGEST_MS })
}

/** A program, by its path, in its own folder. */
export function runFile(file, { env = {}, flags = [] } = {}) {
  return run([process.execPath, ...flags, file], { cwd: dirname(file), env, longest: LONGEST_MS })
}

function run([command, ...args], { cwd, env, longest }) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const bound = setTimeout(() => child.kill('SIGKILL'), longest)
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
