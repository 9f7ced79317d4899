// The threads of this process, as Linux tells of them.
import { readdirSync, readFileSync } from 'node:fs'

const TASKS = '/proc/self/task'
/** Linux keeps so much of a thread's name. */
export const LONGEST_NAME = 15

/** Name and niceness of each thread whose name begins so. */
export function threadsNamed(prefix) {
  const found = []
  for (const id of readdirSync(TASKS)) {
    try {
      const name = readFileSync(`${TASKS}/${id}/comm`, 'utf8').trimEnd()
      if (name.startsWith(prefix.slice(0, LONGEST_NAME))) found.push({ name, niceness: nicenessOf(id) })
    } catch (error) {
      // A thread that ended since it was listed.
      if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error
    }
  }
  return found.sort((one, other) => one.name.localeCompare(other.name))
}

function nicenessOf(id) {
  const stat = readFileSync(`${TASKS}/${id}/stat`, 'utf8')
  // The name, in parentheses, is the second field and may hold spaces; niceness is the nineteenth (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[19 - 3])
}
