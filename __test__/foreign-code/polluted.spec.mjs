// `Object.prototype` with names that it should not have, as a careless merge of JSON leaves it: every call ends as without them, and so
// does its pool.
import test from 'ava'
import { runScript } from '../helpers/child.mjs'

const POLLUTIONS = {
  'get, as a merge of JSON puts it there': `Object.prototype.get = 'x'`,
  'get and set, as functions': 'Object.prototype.get = Object.prototype.set = function () {}',
  'what descriptors have': `Object.assign(Object.prototype, { writable: false, configurable: false, enumerable: true, value: 5 })`,
  'code, as an accessor': accessor('code'),
  'retryAfter, as an accessor': accessor('retryAfter'),
  'message, as an accessor that throws': `
    Object.defineProperty(Object.prototype, 'message', { set() { throw new Error('foreign') }, configurable: true })
  `,
  'outcome, elsewhere and status': `Object.assign(Object.prototype, { outcome: 'x', elsewhere: 'x', status: 999 })`,
}

function accessor(name) {
  return `Object.defineProperty(Object.prototype, '${name}', { get() {}, set() {}, configurable: true })`
}

for (const [what, pollute] of Object.entries(POLLUTIONS)) {
  test.serial(what, async (t) => {
    const { code, signal, stdout, stderr } = await runScript(`
      import { Pool, freeze, hash, heavyLoad, heavyLoadAsync, spin } from 'heavy-load'
      const told = ({ code, retryAfter }) => [code, typeof retryAfter]
      const failed = (promise) => promise.then(() => 'no error', told)
      const pool = new Pool({ threads: 1, maxQueue: 1 })
      const data = freeze(new Uint8Array(10))
      const stream = async function* () { yield 'no bytes' }
      ${pollute}
      const aborts = new AbortController()
      const errors = [
        await failed(hash(data, { pool, algorithm: 'nope' })),
        await failed(heavyLoad('x', { pool })),
        await failed(heavyLoadAsync(-1)),
        await failed(spin(1e8, { pool, timeout: 1 })),
        await failed(pool.run('nope', 1)),
        await failed(hash(stream(), { pool })),
      ]
      const value = await heavyLoad(7, { pool })
      const running = failed(spin(1e8, { pool, signal: aborts.signal }))
      const queued = failed(spin(1e8, { pool }))
      errors.push(await failed(spin(1e8, { pool })))
      aborts.abort()
      errors.push(await running)
      data.thaw()
      await pool.close({ force: true })
      errors.push(await queued)
      const { completed, failed: failures, cancelled, timedOut, rejected } = pool.stats()
      process.stdout.write(JSON.stringify({ errors, value, counts: [completed, failures, cancelled, timedOut, rejected] }))
    `)
    t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
    t.deepEqual(JSON.parse(stdout), {
      errors: [
        ['ERR_INVALID_ARG_VALUE', 'undefined'],
        ['ERR_INVALID_ARG_TYPE', 'undefined'],
        ['ERR_OUT_OF_RANGE', 'undefined'],
        ['ERR_TASK_TIMEOUT', 'undefined'],
        ['ERR_UNKNOWN_KERNEL', 'undefined'],
        ['ERR_INVALID_ARG_TYPE', 'undefined'],
        ['ERR_POOL_OVERLOADED', 'number'],
        ['ABORT_ERR', 'undefined'],
        ['ERR_POOL_CLOSED', 'undefined'],
      ],
      value: 7,
      counts: [1, 1, 2, 1, 1],
    })
  })
}
