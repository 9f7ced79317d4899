// Clients of the soak. Those that stay have to get an answer to each request, and the right one; others leave at any moment.
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request as send } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Answers that a client may get for work: it is done, refused or gave up for now, or too late. */
const STATUSES = new Set([200, 503, 504])
/** Longer than any route's timeout: then there is none. */
const UNANSWERED_MS = 30_000
const PAUSE_MS = 10
const BODIES = [1, 100, 20_000, 300_000].map((size) => {
  const body = randomBytes(size)
  return { body, digest: createHash('sha256').update(body).digest('hex') }
})

/** A request of some route, and the body of its answer if that is 200. */
export function anyRequest(random) {
  const pick = Math.floor(random() * 8)
  const key = Math.floor(random() * 5)
  if (pick < 2) {
    const n = Math.floor(random() * 2e7)
    return { path: `/local/${n}?key=${key}`, right: String(n) }
  }
  if (pick === 2) return { path: `/spin/${1 + Math.floor(random() * 20)}?key=${key}`, right: 'spun' }
  if (pick < 5) {
    const n = Math.floor(random() * 1e7)
    return { path: `/remote/${n}`, right: String(n) }
  }
  if (pick === 5) return { path: '/map', right: '[1,2,3,4,5,6,7,8]' }
  const { body, digest } = BODIES[Math.floor(random() * BODIES.length)]
  return { path: pick === 6 ? '/digest/local' : '/digest/remote', body, right: digest }
}

/** One request after the other over a connection that is kept. */
export async function stay({ port, random, counts, faults, isOver }) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  while (!isOver()) {
    const { path, body, right } = anyRequest(random)
    counts.add('stay sent')
    try {
      const { status, text } = await ask({ port, path, body, agent, who: 'stay' })
      counts.add(`stay ${status}`)
      check(faults, path, status, text, right)
      if (status !== 200) await sleep(PAUSE_MS)
    } catch (error) {
      counts.add('stay lost')
      faults.add(`${path}: no answer, ${error.message}`)
    }
  }
  agent.destroy()
}

/** Each on a connection of its own, which it closes at a random moment, before its answer or after. */
export async function leave({ port, random, counts, isOver }) {
  while (!isOver()) {
    const { path, body } = anyRequest(random)
    counts.add('leave sent')
    const client = send({ port, host: '127.0.0.1', path, ...head('leave', body), agent: false })
    client.on('error', () => {})
    client.on('response', (response) => response.on('error', () => {}).resume())
    client.end(body)
    await sleep(random() * 60)
    // Not by `once`, which rejects with the error of a request that was cut off.
    const closed = client.closed ? undefined : new Promise((resolve) => client.once('close', resolve))
    client.destroy()
    await closed
  }
}

/** Many requests at once over one connection; every third time it leaves after the first answer. */
export async function pipeline({ port, random, counts, faults, isOver }) {
  for (let time = 1; !isOver(); time++) {
    const leaves = time % 3 === 0
    const who = leaves ? 'leave' : 'stay'
    const asked = []
    while (asked.length < 12) {
      const one = anyRequest(random)
      if (one.body === undefined) asked.push(one)
    }
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    counts.add(`${who} sent`, asked.length)
    socket.write(asked.map(({ path }) => `GET ${path} HTTP/1.1\r\nHost: soak\r\nx-soak: ${who}\r\n\r\n`).join(''))
    socket.setTimeout(UNANSWERED_MS, () => socket.destroy(new Error('no answer')))
    let got = 0
    for await (const { status, text } of answersOf(socket)) {
      const { path, right } = asked[got++]
      if (leaves) break
      counts.add(`stay ${status}`)
      check(faults, `${path} (pipelined)`, status, text, right)
      if (got === asked.length) break
    }
    if (!leaves && got < asked.length) {
      counts.add('stay lost', asked.length - got)
      faults.add(`${asked.length - got} of ${asked.length} pipelined requests have no answer`)
    }
    socket.destroy()
    await sleep(PAUSE_MS)
  }
}

function check(faults, path, status, text, right) {
  const route = path.replace(/\d+/g, 'N')
  if (!STATUSES.has(status)) faults.add(`${route}: ${status} ${text.slice(0, 200)}`)
  else if (status === 200 && text !== right)
    faults.add(`${route}: ${text.slice(0, 80)} instead of ${right.slice(0, 80)}`)
}

function head(who, body) {
  const length = body === undefined ? {} : { 'content-type': 'application/octet-stream', 'content-length': body.length }
  return { method: body === undefined ? 'GET' : 'POST', headers: { 'x-soak': who, ...length } }
}

/** One request, and what is answered. */
export async function ask({ port, path, body, agent, who }) {
  const client = send({ port, host: '127.0.0.1', path, ...head(who, body), agent })
  client.setTimeout(UNANSWERED_MS, () => client.destroy(new Error('none in time')))
  client.end(body)
  const [response] = await once(client, 'response')
  const chunks = await response.toArray()
  return { status: response.statusCode, text: Buffer.concat(chunks).toString() }
}

/** The answers on a connection, one after the other: all have a Content-Length. */
async function* answersOf(socket) {
  let rest = Buffer.alloc(0)
  try {
    for await (const chunk of socket) {
      rest = Buffer.concat([rest, chunk])
      for (;;) {
        const end = rest.indexOf('\r\n\r\n')
        if (end < 0) break
        const lines = rest.subarray(0, end).toString()
        const length = Number(/^content-length: (\d+)$/im.exec(lines)?.[1] ?? 0)
        const next = end + 4 + length
        if (rest.length < next) break
        yield { status: Number(lines.split(' ')[1]), text: rest.subarray(end + 4, next).toString() }
        rest = rest.subarray(next)
      }
    }
  } catch {
    // The connection broke: what has no answer is counted by the caller.
  }
}
