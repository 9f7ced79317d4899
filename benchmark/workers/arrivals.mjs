// Says when tasks arrive: a thread beside the contestant's event loop, as clients are. A timer of the loop itself would be good for a
// millisecond, and as late as the loop.
import { constants, setPriority } from 'node:os'
import { parentPort, workerData as times } from 'node:worker_threads'
import { now } from '../lib/arrivals.mjs'

// Real clients have machines of their own. Where it is allowed, this one at least does not wait for a core. (On Linux a thread has a
// priority of its own.)
try {
  setPriority(constants.priority.PRIORITY_HIGHEST)
} catch {
  // An unprivileged user's tasks come as late for every contestant.
}

const bell = new Int32Array(new SharedArrayBuffer(4))
const start = now()
for (let next = 0; next < times.length; ) {
  const left = start + times[next] - now()
  if (left > 0) Atomics.wait(bell, 0, 0, left)
  const arrived = now()
  const first = next
  while (next < times.length && start + times[next] <= arrived) next++
  // From here on a task has arrived, as a request has that lies in its socket.
  if (next > first) parentPort.postMessage({ until: next, arrived })
}
