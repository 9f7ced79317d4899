// A plug-in in C that lies wherever it can without a pointer: each call ends with the truth or an error, and everything it gave is freed once.
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { freeze, loadKernels, Pool } from 'heavy-load'
import { buildPlugin } from '../helpers/plugins.mjs'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc')
const { faulty, faultySync, faultyAsync } = loadKernels(buildPlugin('faulty'))
const forms = { pool: faulty, sync: async (...args) => faultySync(...args), libuv: faultyAsync }

for (const [form, run] of Object.entries(forms)) {
  test(`${form}: results are what was given`, async (t) => {
    t.is(await run('nothing'), undefined)
    t.is(await run('null'), null)
    t.is(await run('boolean'), true)
    t.is(await run('twice'), 2)
    t.is(await run('latin'), 'gr\ufffd\ufffde')
    t.is(await run('null text'), '')
    t.is(await run('ten steps'), 10)
    t.is(await run('null outcome'), undefined, 'as it has been given nothing')
    const json = await run('json')
    t.deepEqual(Object.keys(json), ['a', '__proto__'])
    t.deepEqual(json.a, [1, null, 'ü'])
    const memory = await run('memory')
    t.true(memory instanceof Float64Array && memory.length === 100_000 && memory[99_999] === 99_999)
    t.deepEqual(await run('unaligned'), new Uint32Array([1, 0]))
    t.deepEqual(await run('no memory'), new Uint8Array())
    const thing = await run('thing')
    t.is(Object.prototype.toString.call(thing), '[object Thing]')
  })

  test(`${form}: failures say what was wrong`, async (t) => {
    for (const [what, code, message] of [
      ['own code', 'ERR_FAULTY', /^on purpose$/],
      ['bad code', 'ERR_KERNEL_PANIC', /^no code: on purpose$/],
      ['our code', 'ERR_KERNEL_PANIC', /^ERR_POOL_CLOSED: on purpose$/],
      ['fail and ok', 'ERR_INVALID_DATA', /and yet/],
      ['fails in prepare', 'ERR_INVALID_DATA', /all the same/],
      ['silent failure', 'ERR_KERNEL_PANIC', /without saying why/],
      ['odd status', 'ERR_KERNEL_PANIC', /without saying why/],
      ['bad json', 'ERR_KERNEL_PANIC', /JSON that cannot be parsed/],
      ['half an element', 'ERR_KERNEL_PANIC', /no whole number of elements/],
      ['no element', 'ERR_KERNEL_PANIC', /no whole number of elements/],
      ['null memory', 'ERR_KERNEL_PANIC', /no whole number of elements/],
      ['no type', 'ERR_KERNEL_PANIC', /a resource without a type/],
      ['no next', 'ERR_KERNEL_PANIC', /no work that follows/],
      ['no function', 'ERR_KERNEL_PANIC', /work without the functions of its shape/],
      ['no shape', 'ERR_KERNEL_PANIC', /work without the functions of its shape/],
      ['small table', 'ERR_KERNEL_PANIC', /work without a table of this version/],
      ['no table', 'ERR_KERNEL_PANIC', /work without a table of this version/],
      ['units', 'ERR_INVALID_DATA', /^unit 5000$/],
      [5, 'ERR_INVALID_ARG_TYPE', /^The "what" argument must be a string\. Received type number \(5\)$/],
    ]) {
      await t.throwsAsync(run(what), { code, message }, String(what))
    }
  })

  test(`${form}: options are checked before the kernel sees them`, async (t) => {
    for (const [options, code, message] of [
      [{ what: 5 }, 'ERR_INVALID_ARG_TYPE', /"options.what" property must be of type string/],
      [{ flag: 'yes' }, 'ERR_INVALID_ARG_TYPE', /of type boolean/],
      [{ count: 0 }, 'ERR_OUT_OF_RANGE', /an integer >= 1 and <= 10/],
      [{ count: 1.5 }, 'ERR_OUT_OF_RANGE', /an integer/],
      [{ share: Number.NaN }, 'ERR_OUT_OF_RANGE', />= 0 and <= 1/],
      [{ thing: {} }, 'ERR_INVALID_ARG_TYPE', /a resource of this plug-in/],
      [{ thing: await run('other thing') }, 'ERR_INVALID_ARG_TYPE', /a resource of this plug-in/],
    ]) {
      await t.throwsAsync(run('nothing', options), { code, message })
    }
    await t.throwsAsync(run('nothing', { other: 1 }), { code: 'ERR_INVALID_ARG_VALUE' })
    t.is(
      await run('nothing', { what: 'x', any: () => {}, flag: false, count: 10, share: 0.5, thing: await run('thing') }),
      undefined,
    )
    for (const [any, message] of [
      [await run('thing'), 'a thing'],
      [await run('other thing'), 'the other'],
      [{}, 'no thing'],
      [1, 'no thing'],
    ]) {
      await t.throwsAsync(run('is a thing', { any }), { message })
    }
  })

  test(`${form}: nothing beyond the end of memory is read`, async (t) => {
    const options = { what: 'beyond the end' }
    t.true(await run(Buffer.alloc(9), options))
    t.true(await run(new Uint8Array(new SharedArrayBuffer(9)), options))
    t.true(await run(freeze(new Uint8Array(9)), options))
    t.true(await run(new Uint8Array(9), { ...options, transfer: true }))
    for (const [input, options] of [
      [new Uint8Array(new SharedArrayBuffer(9))],
      [freeze(new Uint8Array(9))],
      // A kernel that works in place has the copy lent, too.
      [new Uint8Array(9)],
      [new Uint8Array(9), { transfer: true }],
    ]) {
      const kept = run(input, { what: 'keeper', ...options })
      await t.throwsAsync(kept, { code: 'ERR_KERNEL_PANIC', message: /a resource has to copy what it keeps/ })
    }
    const view = new Uint16Array(9)
    t.true((await run(view, { what: 'input' })) instanceof Uint16Array)
  })
}

test.serial('what runs without end stops, and what sleeps keeps one thread', async (t) => {
  const pool = new Pool({ threads: 1 })
  await t.throwsAsync(faulty('endless', { pool, timeout: 30 }), { code: 'ERR_TASK_TIMEOUT' })
  const controller = new AbortController()
  const onProgress = () => controller.abort()
  await t.throwsAsync(faulty('endless', { pool, signal: controller.signal, onProgress }), { code: 'ABORT_ERR' })
  const order = []
  await Promise.all([
    faulty('sleep', { pool }).then(() => order.push('sleep')),
    faulty('nothing', { pool }).then(() => order.push('next')),
  ])
  t.deepEqual(order, ['sleep', 'next'])
  await pool.close()
})

test.serial('progress that makes no sense is within 0 and 1', async (t) => {
  const seen = []
  t.is(await faulty('odd progress', { onProgress: (share) => seen.push(share) }), 5)
  t.true(
    seen.every((share) => share >= 0 && share <= 1),
    seen.join(),
  )
})

test.serial('what a plug-in gave is freed once, when JavaScript has let go of it', async (t) => {
  for (let round = 0; round < 20; round++) {
    await Promise.allSettled(
      [
        'memory',
        'thing',
        'twice',
        'half an element',
        'unaligned',
        'own code',
        'units',
        'ten steps',
        'fails in prepare',
      ].map((what) => faulty(what)),
    )
  }
  let alive
  for (let round = 0; round < 50 && alive !== 0; round++) {
    gc()
    await turn()
    alive = await faulty('alive')
  }
  t.is(alive, 0)
})
