// The package worker-farm: processes that stay, each with one call at a time.
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import workerFarm from 'worker-farm'

const script = fileURLToPath(new URL('../workers/worker-farm.cjs', import.meta.url))

export const strategy = {
  name: 'worker-farm',
  job: 'count',
  title: 'Process pool (worker-farm)',
  summary:
    'Processes that stay, behind service.compute(data, callback): no start for each request, but the memory of a Node.js process for each core, and a call that has begun cannot be stopped.',
  can: { parallel: false, progress: false, cancel: false, zeroCopy: false, otherMachines: false },
  async open() {
    const children = new Set()
    let isClosing = false
    const options = {
      maxConcurrentWorkers: availableParallelism(),
      maxConcurrentCallsPerWorker: 1,
      // A call that has killed its worker would kill the next one, too.
      maxRetries: 0,
      autoStart: true,
      onChild(child) {
        if (isClosing) child.kill('SIGKILL')
        children.add(child)
        child.once('exit', () => children.delete(child))
      },
    }
    const service = workerFarm(options, script, ['compute'])
    const compute = promisify(service.compute)
    return {
      async run(iterations) {
        const { answer } = await compute({ iterations })
        return answer
      },
      async close() {
        isClosing = true
        // The farm would wait for calls that have begun; whoever is not idle works for nobody by now.
        const ended = promisify(workerFarm.end)(service)
        for (const child of children) child.kill('SIGKILL')
        await ended
      },
    }
  },
}
