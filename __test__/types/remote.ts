// What TypeScript users of heavy-load/remote write; `npm run lint` compiles it. Expected errors are part of it.
import { once } from 'node:events'
import { heavyLoad } from 'heavy-load'
import { RemotePool, startWorker } from 'heavy-load/remote'

const remote = new RemotePool({ connection: new URL('redis://127.0.0.1'), maxQueue: 10 })
remote.on('drain', () => {})

export async function call(): Promise<number> {
  const { queued, wait } = remote.stats()
  if (remote.needsDrain) await once(remote, 'drain')
  return heavyLoad(wait.p99 + queued + remote.threads, { pool: remote })
}

export async function serve(): Promise<boolean> {
  await using worker = await startWorker({ connection: { url: 'redis://127.0.0.1' }, lockDuration: 1000 })
  return worker.ready
}

// @ts-expect-error misspelt
new RemotePool({ connection: 'redis://127.0.0.1', attemps: 9 })
// @ts-expect-error there are no others
remote.on('end', () => {})
