// Memory that a kernel reads is given to nobody, whatever was put in the place of the language's own functions after the package was
// loaded; and what JavaScript says of slots and readers is not believed.
import { createRequire } from 'node:module'
import test from 'ava'
import { runFixture, runScript } from '../helpers/child.mjs'

const { Instance, NativePool, constants, kernels } = createRequire(import.meta.url)('../../lib/native.js')

test.serial(
  'functions, getters, classes and species that were replaced see no memory that a kernel reads',
  async (t) => {
    const { code, stdout, stderr } = await runFixture('private-memory-spies')
    t.is(code, 0, stderr)
    t.deepEqual(JSON.parse(stdout), { leaks: [], right: true })
  },
)

/** What a script has found out, in a process of its own. */
async function found(t, script) {
  const { code, signal, stdout, stderr } = await runScript(`
    import { Pool, freeze, hash, hashAsync, heavyLoad, spin } from 'heavy-load'
    const codeOf = (f) => { try { f(); return 'none' } catch (error) { return error.code } }
    ${script}
  `)
  t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
  return JSON.parse(stdout)
}

for (const [what, replace] of Object.entries({
  'Array.prototype.pop': 'Array.prototype.pop = () => 0',
  'an index of Array.prototype':
    'for (let at = 0; at < 9; at++) Object.defineProperty(Array.prototype, at, { get: () => 0, set() {}, configurable: true })',
  'an index of Object.prototype':
    'for (let at = 0; at < 9; at++) Object.defineProperty(Object.prototype, at, { get: () => 0, set() {}, configurable: true })',
})) {
  test.serial(`${what} has no slot given twice`, async (t) => {
    const { first, second, third } = await found(
      t,
      `
      const pool = new Pool({ threads: 2 })
      const long = spin(300, { pool })
      ${replace}
      const [second, third] = await Promise.all([heavyLoad(5, { pool }), heavyLoad(6, { pool })])
      process.stdout.write('{"first":' + (await long) + ',"second":' + second + ',"third":' + third + '}')
    `,
    )
    t.deepEqual({ first: typeof first, second, third }, { first: 'number', second: 5, third: 6 })
  })
}

test.serial('whoever has come to have a task cannot have a frozen buffer thawed under it', async (t) => {
  const result = await found(
    t,
    `
    const tasks = []
    const { set } = WeakMap.prototype
    WeakMap.prototype.set = function (key, value) {
      if (typeof value?.release === 'function') tasks.push(value)
      return set.call(this, key, value)
    }
    const pool = new Pool({ threads: 1 })
    const blocks = spin(1e8, { pool, signal: AbortSignal.timeout(60_000) }).catch(() => {})
    const frozen = freeze(new Uint8Array(1e6))
    const control = new AbortController()
    const waits = hash(frozen, { pool, signal: control.signal }).catch(({ code }) => code)
    const task = tasks.find(({ frozen }) => frozen !== undefined)
    task.release()
    const early = codeOf(() => frozen.thaw())
    control.abort()
    const aborted = await waits
    console.log(JSON.stringify({ early, aborted }))
    process.exit()
  `,
  )
  t.deepEqual(result, { early: 'ERR_BUFFER_IN_USE', aborted: 'ABORT_ERR' })
})

test.serial('an AsyncTask whose promise is tampered with keeps its slot and its buffer', async (t) => {
  const result = await found(
    t,
    `
    const frozen = freeze(new Uint8Array(1e8).fill(7))
    const expected = await hash(frozen, { encoding: 'hex', algorithm: 'sha512' })
    const { then } = Promise.prototype
    const { constructor } = Promise.prototype
    // Whoever waits is told of a failure at once.
    Promise.prototype.then = function (yes, no) {
      no?.(new Error('foreign'))
      return then.call(this, yes, no)
    }
    Object.defineProperty(Promise.prototype, 'constructor', { get() { throw new Error('foreign') }, configurable: true })
    const task = hashAsync(frozen, { encoding: 'hex', algorithm: 'sha512' })
    Promise.prototype.then = then
    Object.defineProperty(Promise.prototype, 'constructor', { value: constructor, configurable: true, writable: true })
    const early = codeOf(() => frozen.thaw())
    const right = (await task) === expected
    console.log(JSON.stringify({ early, right, late: codeOf(() => frozen.thaw()) }))
  `,
  )
  t.deepEqual(result, { early: 'ERR_BUFFER_IN_USE', right: true, late: 'none' })
})

test.serial('memory that can be freed is not taken for the counts of a pool', async (t) => {
  const result = await found(
    t,
    `
    globalThis.SharedArrayBuffer = ArrayBuffer
    const pool = new Pool({ threads: 1 })
    console.log(JSON.stringify([await heavyLoad(5, { pool }), pool.stats().completed]))
  `,
  )
  t.deepEqual(result, [5, 1])
  const config = { threads: 1, maxQueue: 16, niceness: 4, maxMemory: 2 ** 30, name: 'counts' }
  const { instance } = bare()
  const open = (counts) => new NativePool(instance, 1, config, false, counts)
  t.throws(() => open(new Float64Array(constants.count.length)), { message: /shared memory/ })
  t.notThrows(() => open(new Float64Array(new SharedArrayBuffer(8 * constants.count.length))).close())
})

/** An instance that nothing of lib/ stands before. */
function bare() {
  const records = new Float64Array(constants.record.length * 16)
  const ended = []
  let tell
  const instance = new Instance(
    () => {
      const { slot, tag, value, length } = constants.record
      for (let count = drain(records, false), at = 0; at < count * length; at += length) {
        ended.push([records[at + slot], records[at + tag], records[at + value]])
      }
      tell?.()
    },
    (view) => new view.constructor(structuredClone(view.buffer, { transfer: [view.buffer] })),
  )
  const { drain } = instance
  const next = async (count) => {
    while (ended.length < count) await new Promise((resolve) => (tell = resolve))
    return ended
  }
  return { instance, next }
}

test.serial('the addon refuses a slot that is in flight, and takes nothing from who is refused', async (t) => {
  const { instance, next } = bare()
  const counts = new Float64Array(new SharedArrayBuffer(8 * constants.count.length))
  const config = { threads: 1, maxQueue: 100, niceness: 4, maxMemory: 2 ** 30, name: 'slots' }
  const pool = new NativePool(instance, 1, config, false, counts)
  const numberOf = (name) => kernels().findIndex((kernel) => kernel.name === name)
  const [load, spin, hash] = [numberOf('heavyLoad'), numberOf('spin'), numberOf('hash')]
  const { transfer } = constants.handOver
  pool.submitPlain(spin, 3, 1e8, false)
  t.false(instance.isFree(3))
  const refused = { message: 'the slot has a task' }
  const data = new Uint8Array(1000)
  const rest = [transfer, Infinity, 1, undefined, 1, 1]
  t.throws(() => pool.submitPlain(load, 3, 5, false), refused)
  t.throws(() => pool.submit(hash, 3, data, false, {}, ...rest), refused)
  t.throws(() => instance.runAsync(hash, 3, data, {}, transfer, Infinity), refused)
  instance.fold(hash, 3, {})
  t.throws(() => pool.submitPiece(hash, 3, data, 0, 0, false, ...rest.slice(1)), refused)
  t.is(data.byteLength, 1000, 'it is still there')
  t.throws(() => instance.take(3))
  instance.discard(3)
  t.false(instance.isFree(3))
  // The caller's code, amid the making of a task, has another take its slot.
  const getters = {
    get algorithm() {
      pool.submitPlain(load, 4, 5, false)
      return 'sha256'
    },
  }
  t.throws(() => pool.submit(hash, 4, data, false, getters, ...rest), refused)
  t.is(data.byteLength, 1000)
  // Of a batch, those before are taken.
  t.is(pool.submitBatch(Float64Array.of(load, 5, 7, load, 5, 8, load, 6, 9), 3), 1)
  t.true(instance.isFree(6))
  // Slots for which there is no memory.
  t.is(t.throws(() => pool.submitPlain(load, 2 ** 32 - 1, 5, false), { any: true })?.code, 'ERR_OUT_OF_MEMORY')
  instance.stop(3, constants.stop.aborted)
  const ended = await next(3)
  t.deepEqual(ended.map(([slot]) => slot).sort(), [3, 4, 5])
  t.true([3, 5].every((slot) => instance.isFree(slot)))
  pool.close()
})
