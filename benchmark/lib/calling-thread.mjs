// The counting loop on the calling thread: what every pool's work is measured against.
import tasks from '../workers/tasks.cjs'

/**
 * A contestant's own loop: heavy-load's in Rust, the others' in JavaScript.
 * @param {string} contestant
 * @returns {Promise<(steps: number) => number>}
 */
export async function callingThread(contestant) {
  if (!contestant.startsWith('heavy-load')) return tasks.count
  const { heavyLoadSync } = await import('../../index.js')
  return heavyLoadSync
}
