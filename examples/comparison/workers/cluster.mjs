// A server under node:cluster: the primary keeps one HTTP worker for each core, and replaces those that die.
// Started by strategies/cluster.mjs, which it tells of its state: { port, workers: [pid, ...], restarts }.
import cluster from 'node:cluster'
import { availableParallelism } from 'node:os'
import { createHeavyServer } from './http-server.mjs'

if (cluster.isPrimary) lead()
else serve()

function lead() {
  const ready = new Set()
  let port
  let restarts = 0
  let ending = false

  cluster.on('listening', (worker, address) => {
    ready.add(worker)
    port = address.port
    tell()
  })
  cluster.on('exit', (worker, code, signal) => {
    const served = ready.delete(worker)
    if (ending) {
      if (Object.keys(cluster.workers).length === 0) process.exit()
      return
    }
    // One that cannot even start would be replaced for ever.
    if (!served) throw new Error(`A cluster worker ended before it listened (${signal ?? code})`)
    restarts++
    tell()
    cluster.fork()
  })
  // Whoever started it wants it to end, or has ended.
  process.once('disconnect', () => {
    ending = true
    // Not disconnect(): a worker that counts would see that only when it is done. A signal it need not see.
    for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGTERM')
  })
  for (let i = 0; i < availableParallelism(); i++) cluster.fork()

  function tell() {
    if (ending) return
    process.send({ port, workers: [...ready].map((worker) => worker.process.pid), restarts })
  }
}

/** All workers that ask for port 0 get the same one: the primary listens, and hands connections out in turn. */
function serve() {
  createHeavyServer().listen(0, '127.0.0.1')
}
