// heavyLoadShared: in place, over memory that both sides see or that was handed over, never over memory that could
// vanish.
import test from 'ava'
import { heavyLoadShared, heavyLoadSharedAsync } from 'heavy-load'
import { collectGarbage } from '../helpers/buffers-memory.mjs'
import { errorOf } from '../helpers/errors.mjs'
import { formsOf } from '../helpers/forms.mjs'
import { turn } from '../helpers/turns.mjs'

const forms = formsOf('heavyLoadShared')
const transfer = true
/** Elements, offset in bytes, rounds. More than 65536 rounds are done in several phases. */
const CASES = [
  [0, 0, 5],
  [1, 0, 1],
  [1, 4, 65_537],
  [3, 12, 200_001],
  [7, 4, 0],
  [33, 20, 1000],
  [17, 8, 65_536],
  [4099, 4, 17],
]
/** Bytes before and after a view that do not belong to it. */
const MARGIN = 8

function xorshift32(x, rounds) {
  for (let round = 0; round < rounds; round++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
  }
  return x >>> 0
}

/** A view over a buffer of this kind, larger than the view, all of which holds noise. */
function noise(Buffer, length, offset) {
  const buffer = new Buffer(offset + length * 4 + MARGIN)
  const bytes = new Uint8Array(buffer)
  for (let index = 0; index < bytes.length; index++) bytes[index] = index * 151 + 7
  return new Uint32Array(buffer, offset, length)
}

/** What a buffer must hold afterwards. */
function expected(view, rounds) {
  const copy = Uint8Array.from(new Uint8Array(view.buffer))
  const words = new Uint32Array(copy.buffer, view.byteOffset, view.length)
  for (const [index, x] of words.entries()) words[index] = xorshift32(x, rounds)
  return copy
}

function detach(view) {
  structuredClone(view.buffer, { transfer: [view.buffer] })
  return view
}

for (const { name, run } of forms) {
  test(`${name}: works in place on a SharedArrayBuffer`, async (t) => {
    for (const [length, offset, rounds] of CASES) {
      const view = noise(SharedArrayBuffer, length, offset)
      const bytes = expected(view, rounds)
      t.is(await run(view, { rounds }), view)
      t.deepEqual(Uint8Array.from(new Uint8Array(view.buffer)), bytes, `${length} elements, ${rounds} rounds`)
    }
  })

  test(`${name}: takes an ArrayBuffer over, and gives a view over the same bytes`, async (t) => {
    for (const [length, offset, rounds] of CASES) {
      const view = noise(ArrayBuffer, length, offset)
      const { buffer } = view
      const { byteLength } = buffer
      const bytes = expected(view, rounds)
      const result = await run(view, { rounds, transfer })
      t.is(buffer.byteLength, 0)
      t.is(view.length, 0)
      t.true(result instanceof Uint32Array)
      t.like(result, { byteOffset: offset, length })
      t.is(result.buffer.byteLength, byteLength)
      t.deepEqual(new Uint8Array(result.buffer), bytes, `${length} elements, ${rounds} rounds`)
    }
  })

  test(`${name}: does 1000 rounds unless told`, async (t) => {
    const view = noise(SharedArrayBuffer, 5, 0)
    const bytes = expected(view, 1000)
    await run(view)
    t.deepEqual(Uint8Array.from(new Uint8Array(view.buffer)), bytes)
  })

  test(`${name}: transfer means nothing for a SharedArrayBuffer`, async (t) => {
    const view = noise(SharedArrayBuffer, 5, 4)
    t.is(await run(view, { transfer }), view)
    t.is(view.length, 5)
  })

  test(`${name}: gives a result that can be handed over again`, async (t) => {
    const view = noise(ArrayBuffer, 9, 4)
    const bytes = expected(view, 30)
    const once = await run(view, { rounds: 10, transfer })
    const twice = await run(once, { rounds: 20, transfer })
    t.is(once.length, 0)
    t.deepEqual(new Uint8Array(twice.buffer), bytes)
  })

  test(`${name}: never copies an ArrayBuffer`, async (t) => {
    for (const options of [undefined, {}, { transfer: false }]) {
      const view = new Uint32Array(4).fill(1)
      t.is((await errorOf(run(view, options))).code, 'ERR_INVALID_ARG_VALUE')
      t.deepEqual([...view], [1, 1, 1, 1])
    }
  })

  test(`${name}: takes Uint32Arrays only`, async (t) => {
    const views = [Uint8Array, Int32Array, Float32Array, Float64Array, BigUint64Array, DataView]
    const shared = views.map((View) => new View(new SharedArrayBuffer(16)))
    const plain = views.map((View) => new View(new ArrayBuffer(16)))
    for (const input of [...shared, ...plain, Buffer.alloc(16)]) {
      t.is((await errorOf(run(input, { transfer }))).code, 'ERR_INVALID_ARG_TYPE')
      t.is(input.byteLength, 16, 'it stays with the caller')
    }
    for (const input of [new ArrayBuffer(16), new SharedArrayBuffer(16), [1, 2], { length: 2 }, null, undefined, 5]) {
      t.is((await errorOf(run(input, { transfer }))).code, 'ERR_INVALID_ARG_TYPE')
    }
  })

  test(`${name}: refuses memory that is gone or may shrink`, async (t) => {
    const views = {
      detached: detach(new Uint32Array(4)),
      resizable: new Uint32Array(new ArrayBuffer(16, { maxByteLength: 32 })),
      'of a fixed length on resizable': new Uint32Array(new ArrayBuffer(16, { maxByteLength: 32 }), 4, 2),
    }
    for (const [what, view] of Object.entries(views)) {
      const { length } = view
      t.is((await errorOf(run(view, { transfer }))).code, 'ERR_INVALID_ARG_VALUE', what)
      t.is(view.length, length, what)
    }
  })

  test(`${name}: refuses memory that cannot be detached`, async (t) => {
    const memory = new WebAssembly.Memory({ initial: 1 })
    const view = new Uint32Array(memory.buffer, 0, 4).fill(1)
    t.is((await errorOf(run(view, { transfer }))).code, 'ERR_INVALID_ARG_VALUE')
    t.deepEqual([...view], [1, 1, 1, 1])
  })

  test(`${name}: a refused call leaves the memory with the caller`, async (t) => {
    for (const options of [{ rounds: -1 }, { rounds: '5' }, { timeout: 0 }, { onProgress: 5 }]) {
      const view = new Uint32Array(4).fill(1)
      await errorOf(run(view, { ...options, transfer }))
      t.deepEqual([...view], [1, 1, 1, 1])
    }
  })

  test(`${name}: looks at the memory itself, not at what a view says of it`, async (t) => {
    const view = new Uint32Array(4).fill(1)
    Object.defineProperty(view, 'buffer', { value: new SharedArrayBuffer(16) })
    t.is((await errorOf(run(view))).code, 'ERR_INVALID_ARG_VALUE')
    t.deepEqual([...view], [1, 1, 1, 1])
  })

  test(`${name}: does not show the memory that was handed over to anybody`, async (t) => {
    const seen = []
    const view = new Uint32Array(4).fill(1)
    Object.defineProperty(view, 'constructor', {
      value: function View(...args) {
        seen.push(args)
        return new Uint32Array(...args)
      },
    })
    view.buffer.transfer = () => seen.push('transfer')
    const result = await run(view, { rounds: 1, transfer })
    t.deepEqual(seen, [])
    t.deepEqual([...result], Array(4).fill(xorshift32(1, 1)))
  })
}

for (const run of [heavyLoadShared, heavyLoadSharedAsync]) {
  test(`${run.name}: its progress is seen while it runs`, async (t) => {
    const view = new Uint32Array(new SharedArrayBuffer(4096)).fill(1)
    const controller = new AbortController()
    let settled = false
    // Hours of work.
    const task = errorOf(run(view, { rounds: 2 ** 32 - 1, signal: controller.signal })).finally(() => {
      settled = true
    })
    while (Atomics.load(view, 0) === 1 && !settled) await turn()
    t.false(settled)
    t.not(Atomics.load(view, 0), 1)
    controller.abort()
    t.is((await task).code, 'ABORT_ERR')
  })

  test(`${run.name}: an aborted task keeps what it took`, async (t) => {
    const view = new Uint32Array(1024).fill(1)
    const controller = new AbortController()
    const task = errorOf(run(view, { rounds: 2 ** 32 - 1, transfer, signal: controller.signal }))
    t.is(view.length, 0, 'it is gone when the call returns')
    controller.abort()
    t.is((await task).code, 'ABORT_ERR')
    t.is(view.length, 0)
  })

  test(`${run.name}: the caller may forget the view while the task runs`, async (t) => {
    for (const Buffer of [ArrayBuffer, SharedArrayBuffer]) {
      const rounds = 10_000
      const bytes = expected(noise(Buffer, 4099, 4), rounds)
      const tasks = Array.from({ length: 8 }, () => run(noise(Buffer, 4099, 4), { rounds, transfer }))
      for (let number = 0; number < 10; number++) {
        collectGarbage()
        // Memory that was freed would be used again for these.
        t.is(new Uint32Array(4102).fill(number).length, 4102)
        await turn()
      }
      for (const { buffer } of await Promise.all(tasks)) t.deepEqual(Uint8Array.from(new Uint8Array(buffer)), bytes)
    }
  })
}
