// A real Redis of one's own: a free port, a folder that is empty at first, nothing kept unless it is asked for.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export const redisIsInstalled = spawnSync('redis-server', ['--version']).status === 0

/**
 * `port`: where one was before. `more`: arguments. `appendonly`: what it has been told outlives it, in its folder; `restart` starts it again there.
 * @param {{ port?: number, appendonly?: boolean, more?: string[] }} [options]
 */
export async function startRedis({ port, appendonly = false, more = [] } = {}) {
  const chosen = port ?? (await freePort())
  const dir = await mkdtemp(join(tmpdir(), 'heavy-load-redis-'))
  const args = ['--port', String(chosen), '--bind', '127.0.0.1', '--dir', dir, '--save', '']
  // By default a write may wait for seconds while the one before it is on its way to the disk, and SIGKILL takes it.
  args.push('--appendonly', appendonly ? 'yes' : 'no', '--appendfsync', 'always', ...more)
  let child = await start(args)

  /** @param {NodeJS.Signals} [signal] */
  async function end(signal) {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    // One that was paused.
    child.kill('SIGCONT')
    await exited
  }
  return {
    url: `redis://127.0.0.1:${chosen}`,
    port: chosen,
    /** It answers nothing, and its connections stay. */
    pause: () => child.kill('SIGSTOP'),
    goOn: () => child.kill('SIGCONT'),
    /** Ends it, and leaves its folder. */
    end,
    async restart() {
      child = await start(args)
    },
    async stop() {
      await end()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** @param {string[]} args */
async function start(args) {
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  // However the test process ends, its Redis does not outlive it.
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  await ready(child)
  return child
}

async function ready(child) {
  const log = []
  for await (const line of createInterface(child.stdout)) {
    log.push(line)
    if (line.includes('Ready to accept connections')) {
      // What it says from now on nobody reads: it must not wait for a reader.
      child.stdout.resume()
      return
    }
  }
  throw new Error(`redis-server has not started:\n${log.join('\n')}`)
}

/** A port that was free a moment ago. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
