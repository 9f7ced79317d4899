// Runs a scenario: every contestant in a process of its own, in rotated order, round after round.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { summary } from './stats.mjs'

const CHILD = fileURLToPath(new URL('./child.mjs', import.meta.url))
const LONGEST_MS = 120_000
/** For what a contestant has started to end with it. */
const LAST_MS = 5000

/**
 * Measures every contestant once a round. Throws if one of them gives another answer than the first.
 * @param {object} scenario a module of scenarios/
 * @param {string[]} contestants
 * @param {{ rounds: number, threads: number, quick: boolean }} settings
 * @param {{ show: (label: string) => void, step: () => void }} progress
 * @returns {Promise<Record<string, Record<string, ReturnType<typeof summary>>>>} contestant -> figure -> its summary
 */
export async function run(scenario, contestants, settings, progress) {
  const samples = new Map(contestants.map((contestant) => [contestant, []]))
  let expected
  for (let round = 0; round < settings.rounds; round++) {
    for (const contestant of rotate(contestants, round)) {
      progress.show(`${scenario.name}: ${contestant}`)
      const { figures, answers } = await measure(scenario.name, contestant, { ...settings, round })
      if (answers !== undefined) {
        expected ??= answers
        if (!isDeepStrictEqual(answers, expected)) {
          throw new Error(`${contestant} answers ${JSON.stringify(answers)}, not ${JSON.stringify(expected)}`)
        }
      }
      samples.get(contestant).push(figures)
      progress.step()
    }
  }
  return Object.fromEntries([...samples].map(([contestant, rounds]) => [contestant, summaries(rounds)]))
}

/** So that no contestant always runs on the machine that another one has just left warm, or hot. */
function rotate(list, by) {
  const at = by % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}

/** One contestant in one process: no contestant sees the heap, the compiled code or the threads of another. */
function measure(scenario, contestant, { threads, quick, round }) {
  const env = { ...process.env, HEAVY_LOAD_THREADS: String(threads), UV_THREADPOOL_SIZE: String(threads) }
  const child = fork(CHILD, [scenario, contestant, JSON.stringify({ threads, quick, round })], { env })
  const timers = [
    setTimeout(() => child.kill('SIGTERM'), LONGEST_MS),
    setTimeout(() => child.kill('SIGKILL'), LONGEST_MS + LAST_MS),
  ]
  return new Promise((resolve, reject) => {
    let result
    child.on('message', (message) => {
      result = message
    })
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      timers.forEach(clearTimeout)
      if (result !== undefined && code === 0) resolve(result)
      else reject(new Error(`${scenario}: ${contestant} ended with ${signal ?? `exit code ${code}`}`))
    })
  })
}

/** A figure that a round does not have (no task was refused, so none has a time) is no figure, and no zero. */
function summaries(rounds) {
  const names = new Set(rounds.flatMap(Object.keys))
  const measured = [...names].map((name) => [name, rounds.map((figures) => figures[name]).filter(Number.isFinite)])
  return Object.fromEntries(
    measured.filter(([, values]) => values.length > 0).map(([name, values]) => [name, summary(values)]),
  )
}
