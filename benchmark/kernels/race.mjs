// Kernels of packs beside the packages that people use for the same: in one process, in turns, with the same output.
import { performance } from 'node:perf_hooks'
import { median } from '../lib/stats.mjs'

/**
 * Runs every contestant in turns, beginning with another one each round, and prints the medians.
 * @param {string} what
 * @param {Record<string, () => Promise<unknown>>} contestants ours first
 * @param {{ rounds?: number, check?: (result: any, name: string) => unknown }} [options] `check` throws if a result is wrong
 * @returns {Promise<Record<string, number>>} medians in milliseconds
 */
export async function race(what, contestants, { rounds = 11, check } = {}) {
  const names = Object.keys(contestants)
  const times = Object.fromEntries(names.map((name) => [name, []]))
  // One round to warm up, in which the results are looked at.
  for (let round = -1; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(turn + round + names.length) % names.length]
      const began = performance.now()
      const result = await contestants[name]()
      const took = performance.now() - began
      if (round < 0) await check?.(result, name)
      else times[name].push(took)
    }
  }
  const medians = Object.fromEntries(names.map((name) => [name, median(times[name])]))
  const best = Math.min(...names.slice(1).map((name) => medians[name]))
  console.log(`\n${what}`)
  for (const name of names) {
    const beside =
      name === names[0] && names.length > 1 ? `  ${(medians[name] / best).toFixed(2)}x the best other's time` : ''
    console.log(`  ${name.padEnd(36)} ${medians[name].toFixed(2).padStart(10)} ms${beside}`)
  }
  return medians
}

/** So many at once; all their results. */
export function inFlight(count, call) {
  return Promise.all(Array.from({ length: count }, call))
}

/** One after the other; the last one's result. */
export async function inTurn(count, call) {
  let result
  for (let index = 0; index < count; index++) result = await call()
  return result
}
