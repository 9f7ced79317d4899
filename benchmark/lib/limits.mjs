// Builds the crate in limits/ when it is needed and asks it what the machine allows.
import { execFile, execFileSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const crate = fileURLToPath(new URL('../limits/', import.meta.url))
const built = `${crate}target/release/`
const LIBRARY = {
  darwin: 'libthreadsafe_function.dylib',
  win32: 'threadsafe_function.dll',
}

/** Cargo does nothing if nothing has changed. */
export function buildLimits() {
  execFileSync('cargo', ['build', '--release', '--locked', '--quiet'], { cwd: crate, stdio: 'inherit' })
  copyFileSync(
    `${built}${LIBRARY[process.platform] ?? 'libthreadsafe_function.so'}`,
    `${built}threadsafe_function.node`,
  )
}

/** The answer of `limits SUBCOMMAND ...`; see limits/src/main.rs. */
export function limit(...args) {
  return JSON.parse(execFileSync(`${built}limits`, args.map(String), { encoding: 'utf8' }))
}

/** Steps a second of the counting loop, in so many plain Rust programs at once, all together. */
export async function countingRate(steps, programs) {
  const count = promisify(execFile)
  const counts = Array.from({ length: programs }, () => count(`${built}limits`, ['count', String(steps)]))
  return (await Promise.all(counts)).reduce((sum, { stdout }) => sum + steps / Number(stdout), 0)
}

/**
 * Runs `measure` with a round trip through a bare threadsafe function.
 * @template T
 * @param {{ spins: boolean }} options whether its thread waits without sleeping
 * @param {(roundTrip: () => Promise<void>) => Promise<T>} measure
 */
export async function withThreadsafeFunction({ spins }, measure) {
  const { ping, start, stop } = createRequire(import.meta.url)(`${built}threadsafe_function.node`)
  let answered
  start(() => answered(), spins)
  const roundTrip = () =>
    new Promise((resolve) => {
      answered = resolve
      ping()
    })
  try {
    return await measure(roundTrip)
  } finally {
    stop()
  }
}
