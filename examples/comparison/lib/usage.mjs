// What a process and all its descendants use. A strategy that forks pays for its children here too.
import { readdirSync, readFileSync } from 'node:fs'

/** The unit of times in /proc/PID/stat: USER_HZ, 100 wherever Linux runs Node. */
const TICKS_A_SECOND = 100

/** CPU seconds so far, MiB, and threads. Without /proc: of this process alone, and the threads are not known. */
export function usage() {
  if (process.platform !== 'linux') {
    const { user, system } = process.cpuUsage()
    return { cpuSeconds: (user + system) / 1e6, memoryMiB: process.memoryUsage.rss() / 2 ** 20, threads: null }
  }
  const total = { cpuSeconds: 0, memoryMiB: 0, threads: 0 }
  add(total, process.pid, true)
  return total
}

/** The files are read synchronously: they are never on a disk, and libuv's threads may be busy with heavy work. */
function add(total, pid, isRoot) {
  const stat = read(`/proc/${pid}/stat`)
  const status = read(`/proc/${pid}/status`)
  // Gone between two readings. Its CPU time is in its parent's from now on.
  if (stat === '' || status === '') return
  // After the name, which may hold anything: user and system time of it, and of those of its children that have ended.
  const times = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
  total.cpuSeconds += times.reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_A_SECOND
  const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0)
  // Children share the files that they map, node itself above all, with the server: those are counted once.
  total.memoryMiB += field(isRoot ? 'VmRSS' : 'RssAnon') / 1024
  total.threads += field('Threads')
  for (const child of childrenOf(pid)) add(total, child, false)
}

function childrenOf(pid) {
  const threads = names(`/proc/${pid}/task`)
  return threads.flatMap((thread) => read(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean))
}

/** Whatever is in /proc may be gone before it is read. */
function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function names(directory) {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
