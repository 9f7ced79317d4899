// Where the worker scripts of the contestants are, and a setting that several of them share.
import { fileURLToPath } from 'node:url'

/** Tasks that a worker may hold at once where a contestant has such a setting and thousands are in flight. */
export const FLOOD = 1000

/** @param {string} file */
export function workerFile(file) {
  return fileURLToPath(new URL(`../workers/${file}`, import.meta.url))
}

export const tasksFile = workerFile('tasks.cjs')
