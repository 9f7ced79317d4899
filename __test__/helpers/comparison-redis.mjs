// A real Redis of the test's own: a free port, an empty folder, nothing kept.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export const redisIsInstalled = spawnSync('redis-server', ['--version']).status === 0

/**
 * @param {number} [port] where one was before
 * @param {string[]} [more] arguments
 * @returns {Promise<{ url: string, port: number, stop: () => Promise<void> }>}
 */
export async function startRedis(port, more = []) {
  port ??= await freePort()
  const dir = await mkdtemp(join(tmpdir(), 'heavy-load-redis-'))
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    dir,
    '--save',
    '',
    '--appendonly',
    'no',
    ...more,
  ]
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  await ready(child)
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    async stop() {
      child.kill()
      await exited
      await rm(dir, { recursive: true })
    },
  }
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
