// Runs a script, an ES module given as text, in a process of its own, and says how that ended.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** A child that hangs is killed after this: then its `signal` is SIGKILL. */
const LONGEST_MS = 60_000

/** `./index.js` is the package's own, whatever the current directory is. */
export function runScript(source, { env = {} } = {}) {
  const args = ['--input-type=module', '--eval', source]
  const options = { cwd: root, env: { ...process.env, ...env }, timeout: LONGEST_MS, killSignal: 'SIGKILL' }
  return new Promise((resolve) => {
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, signal: error?.signal ?? null, stdout, stderr })
    })
  })
}
