// What stands between a client and Redis, and goes silent when it is asked for something.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { signalled } from './remote-open.mjs'

/**
 * Passes everything on until a client sends what matches, and nothing from then on: connections stay, as with a Redis that stands still.
 * @param {any} t
 * @param {{ port: number }} redis
 * @param {RegExp} request
 * @returns {Promise<{ port: number, silent: Promise<void> }>}
 */
export async function openProxy(t, redis, request) {
  const { tell, told } = signalled()
  let isSilent = false
  const sockets = new Set()
  const server = createServer((client) => {
    const upstream = connect(redis.port, '127.0.0.1')
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ]) {
      sockets.add(from)
      from.on('error', () => {}).on('close', () => to.destroy())
      from.on('data', (bytes) => {
        if (from === client && request.test(bytes)) {
          isSilent = true
          tell()
        }
        if (!isSilent) to.write(bytes)
      })
    }
  }).listen(0, '127.0.0.1')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await once(server, 'listening')
  return { port: server.address().port, silent: told }
}
