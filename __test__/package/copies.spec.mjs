// Two copies of the package in one process, as npm installs them for versions that differ: what one takes of the other, and what it says of the rest.
import { once } from 'node:events'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import { freeze, HeavyLoadError, hash, hashSync, heavyLoad, loadKernels, Pool } from 'heavy-load'
import { errorHandler } from 'heavy-load/express'
import { RemotePool, startWorker } from 'heavy-load/remote'
import { Registry } from 'prom-client'
import { runScript } from '../helpers/child.mjs'
import { errorOf } from '../helpers/errors.mjs'
import { buildPlugin } from '../helpers/plugins.mjs'
import { openPool } from '../helpers/pool.mjs'
import { root } from '../helpers/root.mjs'

// Inside the checkout, so that the packages that it needs are found.
mkdirSync(join(root, 'target'), { recursive: true })
const folder = mkdtempSync(join(root, 'target/copies-'))
test.after.always(() => rmSync(folder, { recursive: true }))
const binary = readdirSync(root).find((file) => /^heavy-load\..*\.node$/.test(file))
const pack = 'packs/compression'
for (const path of ['index.js', 'package.json', 'lib', binary, `${pack}/index.js`, `${pack}/compression.node`]) {
  cpSync(join(root, path), join(folder, path), { recursive: true })
}
const require = createRequire(join(folder, 'package.json'))
const other = require('./index.js')
const { offload } = require('./lib/http/express.js')
const { compressSync } = require(`./${pack}/index.js`)

/** Asserts that a call is refused for what is of another copy, and that the message says where that is. */
async function refuses(t, call, received, where) {
  const { code, message } = await errorOf((async () => call())())
  t.is(code, 'ERR_INVALID_ARG_TYPE')
  t.true(message.endsWith(` Received an instance of ${received} of another copy of heavy-load, ${where}`), message)
}

test('what one has frozen, only that can read', async (t) => {
  const frozen = freeze(Buffer.from('abc'))
  for (const call of [other.hash, other.hashSync, other.hashAsync, other.freeze]) {
    await refuses(t, () => call(frozen), 'FrozenBuffer', root)
  }
  const theirs = other.freeze(Buffer.from('abc'))
  await refuses(t, () => hash(theirs), 'FrozenBuffer', folder)
  const remote = new RemotePool({ connection: 'redis://127.0.0.1:1' })
  await refuses(t, () => remote.run('hash', theirs), 'FrozenBuffer', folder)
  await remote.close({ force: true })
  t.deepEqual(frozen.thaw(), theirs.thaw())
})

test('files that are loaded once more are another copy', async (t) => {
  const theirs = other.freeze(Buffer.from('abc'))
  const cached = Object.keys(require.cache).filter((file) => file.startsWith(folder))
  for (const file of cached) delete require.cache[file]
  const again = require('./index.js')
  t.not(again.Pool, other.Pool)
  await refuses(t, () => again.hash(theirs), 'FrozenBuffer', folder)
})

test('memory that is shared, and what one has made for the other, is as any', async (t) => {
  const shared = new Uint32Array(new SharedArrayBuffer(8)).fill(1)
  t.is(await other.heavyLoadShared(shared, { rounds: 2 }), shared)
  t.is(hashSync(shared, { encoding: 'hex' }), other.hashSync(shared, { encoding: 'hex' }))
  const large = await other.sort(new Float64Array(1 << 16).fill(1))
  const sorted = await openPool(t).run('sort', large, { transfer: true })
  t.is(large.length, 0)
  t.is(sorted.length, 1 << 16)
})

test("a pool takes the calls of the other's functions", async (t) => {
  const pool = openPool(t, { threads: 1 })
  t.is(await other.heavyLoad(10, { pool, timeout: 60_000, key: 'a' }), 10)
  t.is(
    await other.hash(Buffer.from('abc'), { pool, encoding: 'hex' }),
    hashSync(Buffer.from('abc'), { encoding: 'hex' }),
  )
  t.is(pool.stats().completed, 2)
})

test('errors of one are those of the other, in routes too', async (t) => {
  const pool = new other.Pool({ threads: 1 })
  await pool.close()
  const error = await errorOf(heavyLoad(1, { pool }))
  t.is(error.code, 'ERR_POOL_CLOSED')
  // By its code, and not by its class.
  t.false(error instanceof HeavyLoadError)
  const route = offload(() => heavyLoad(-1))
  const wrong = await answerOf(t, route)
  t.is(wrong.status, 400)
  t.is((await wrong.json()).error.code, 'ERR_OUT_OF_RANGE')
  const closed = await answerOf(t, (request, response) => errorHandler()(error, request, response, t.fail))
  t.is(closed.status, 503)
})

test("a route's task goes into the other's functions, whose times the route does not know", async (t) => {
  const options = { timeout: 60_000, key: 'a' }
  const route = offload((_, task) => heavyLoad(10, task), options)
  const answer = await answerOf(t, route)
  t.deepEqual([answer.status, await answer.json(), answer.headers.get('server-timing')], [200, 10, null])
  const ofItsOwn = offload((_, task) => other.heavyLoad(10, task), options)
  t.regex((await answerOf(t, ofItsOwn)).headers.get('server-timing'), /^queue;dur=/)
})

test("closeOnSignals ends the other's pool", async (t) => {
  const { stdout, stderr } = await runScript(`
    import { once } from 'node:events'
    import { createServer } from 'node:http'
    import { closeOnSignals } from 'heavy-load/express'
    import other from ${JSON.stringify(pathToFileURL(join(folder, 'index.js')).href)}
    const pool = new other.Pool({ threads: 1 })
    const server = createServer().listen(0)
    await once(server, 'listening')
    const closed = closeOnSignals(server, pool)
    process.emit('SIGTERM')
    await closed
    await pool.run('heavyLoad', 1).catch(({ code }) => console.log(code))
  `)
  t.is(stdout, 'ERR_POOL_CLOSED\n', stderr)
})

test("metrics, workers and functions of JavaScript take no pool of the other's", async (t) => {
  const pool = new other.Pool({ threads: 1 })
  t.teardown(() => pool.close())
  const { registerMetrics } = await import('heavy-load/metrics')
  const register = new Registry()
  await refuses(t, () => registerMetrics(register, { pools: [pool] }), 'Pool', folder)
  t.deepEqual(register.getMetricsAsArray(), [])
  await refuses(t, () => startWorker({ connection: 'redis://127.0.0.1:1', pool }), 'Pool', folder)
  const { loadFunctions } = other
  await refuses(t, () => loadFunctions('data:text/javascript,', { pool: new Pool({ threads: 1 }) }), 'Pool', root)
})

test('each has its packs; a plug-in is for the one that has loaded it first', async (t) => {
  const ours = await import('heavy-load/compression')
  t.deepEqual(await ours.decompress(compressSync(Buffer.from('abc'))), Buffer.from('abc'))
  const file = buildPlugin('copied')
  const { copied } = loadKernels(file)
  const { message } = t.throws(() => other.loadKernels(file), { code: 'ERR_PLUGIN_LOAD' })
  t.regex(message, /another copy of heavy-load in this process has loaded it \(`npm ls heavy-load` shows copies\)/)
  t.is(await copied('boolean'), true)
})

test("what a plug-in keeps is no other copy's", async (t) => {
  const file = buildPlugin('kept')
  const theirs = join(folder, 'kept.node')
  copyFileSync(file, theirs)
  const [{ kept: ourKernel }, { kept: theirKernel }] = [loadKernels(file), other.loadKernels(theirs)]
  const thing = await ourKernel('thing')
  t.is(await ourKernel('boolean', { thing }), true)
  const { code, message } = await errorOf(theirKernel('boolean', { thing }))
  t.is(code, 'ERR_INVALID_ARG_TYPE')
  t.regex(message, /a resource of this plug-in/)
})

/** What a server answers that has this handler. */
async function answerOf(t, handler) {
  const server = createServer(handler).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return fetch(`http://127.0.0.1:${server.address().port}`)
}
