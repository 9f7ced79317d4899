// Asks another server of this machine, one connection a request: a connection that is kept would stay with one process.
import { get } from 'node:http'

/**
 * Resolves with what `GET path` answers as JSON. A client that leaves (`signal`) closes the connection.
 * @param {number} port
 * @param {string} path
 * @param {AbortSignal} [signal]
 */
export function ask(port, path, signal) {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path, signal, agent: false }, async (response) => {
      try {
        let body = ''
        for await (const chunk of response.setEncoding('utf8')) body += chunk
        if (response.statusCode !== 200) throw new Error(`${path} answered ${response.statusCode}: ${body}`)
        resolve(JSON.parse(body))
      } catch (error) {
        reject(error)
      }
    })
    request.once('error', reject)
  })
}
