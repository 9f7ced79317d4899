// Loaded before a code block that is run: the names of names.d.ts, and a server that the block starts is asked what HEAVY_LOAD_ASKS says, then ends.
// It may be empty, for a block that ends by itself.
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { createRequire } from 'node:module'
import net from 'node:net'

const require = createRequire(import.meta.url)
const asks = JSON.parse(process.env.HEAVY_LOAD_ASKS || '[]')

for (const entry of ['heavy-load', 'heavy-load/express', 'heavy-load/passwords', 'heavy-load/compression']) {
  const exported = require(entry)
  for (const name of Object.keys(exported)) lazily(name, () => exported[name])
}
const { Pool } = require('heavy-load')

const photo = () => readFileSync(new URL('../../packs/image/corpus/jpeg-420.jpg', import.meta.url))
for (const name of ['upload', 'body', 'report', 'image'])
  lazily(name, () => Buffer.from(new Uint8Array(photo()).buffer))
lazily('sharp', () => require('sharp'))
lazily('express', () => require('express'))
lazily('app', () => {
  const app = globalThis.express()
  app.use(globalThis.express.json())
  // An excerpt of an app has no server.
  if (asks.length > 0) process.once('beforeExit', () => app.listen())
  return app
})
lazily('pool', () => new Pool({ threads: 2 }))
lazily('reports', () => new Pool({ threads: 1, name: 'reports' }))
lazily('remote', () => new Pool({ threads: 1, name: 'remote' }))
lazily('server', () => http.createServer().listen())
lazily('controller', () => new AbortController())
lazily('signal', () => globalThis.controller.signal)
lazily('password', () => 'correct horse')
lazily('key', () => 'somebody')
lazily('inputs', () => [1e5, 2e5, 3e5])
lazily('users', () => {
  const ada = { id: 1, name: 'ada', hash: require('heavy-load/passwords').hashPasswordSync('correct horse') }
  // Grace logs in elsewhere: hers has no hash.
  const accounts = new Map([ada, { id: 2, name: 'grace', hash: '' }].map((user) => [user.name, user]))
  return {
    find: async (name) => accounts.get(name),
    update: async (_id, change) => Object.assign(ada, change),
  }
})

const { listen } = net.Server.prototype
net.Server.prototype.listen = function (...args) {
  if (process.env.HEAVY_LOAD_ASKS === '') return listen.apply(this, args)
  const callback = args.find((arg) => typeof arg === 'function')
  this.once('listening', () => setTimeout(() => ask(this).catch(fail), 0))
  return listen.call(this, { port: 0, host: '127.0.0.1' }, ...(callback ? [callback] : []))
}

let asked = asks.length === 0
process.once('exit', () => {
  if (!asked) process.exitCode ||= 2
})

async function ask(server) {
  const origin = `http://127.0.0.1:${server.address().port}`
  for (const text of asks) {
    const [, method, path, content, status] = /^(\w+) (\S+) (?:(\S.*) )?(\d+)$/.exec(text)
    const isJson = content?.startsWith('{')
    const response = await fetch(origin + path, {
      method,
      body: content === 'upload' ? globalThis.upload : content,
      headers: content && { 'content-type': isJson ? 'application/json' : 'application/octet-stream' },
    })
    const answer = await response.text()
    if (response.status !== Number(status)) throw new Error(`${text}: ${response.status} ${answer}`)
  }
  asked = true
  process.exit()
}

function fail(error) {
  console.error(error)
  process.exit(1)
}

/** A global that is made when it is first used, and may be declared anew. */
function lazily(name, make) {
  Object.defineProperty(globalThis, name, {
    configurable: true,
    get() {
      const value = make()
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
      return value
    },
  })
}
