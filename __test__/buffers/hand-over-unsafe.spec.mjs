// Memory that could vanish or move under a kernel is refused, or copied; memory that only grows is not.
import { markAsUntransferable } from 'node:worker_threads'
import test from 'ava'
import { freeze, hashSync } from 'heavy-load'
import { detach, fillWithNoise, same, snapshot } from '../helpers/buffers-memory.mjs'
import { runFixture } from '../helpers/child.mjs'
import { codeOf, errorOf } from '../helpers/errors.mjs'
import { formsOf } from '../helpers/forms.mjs'
import { randomFrom } from '../helpers/random.mjs'

const transfer = true
const random = randomFrom(4)
const hex = { encoding: 'hex' }
const bufferOf = (data) => data.buffer ?? data

/** Memory that could vanish or move, and the word for it. */
const UNSAFE = {
  detached: {
    'a detached Uint8Array': () => gone(new Uint8Array(16)),
    'a detached Float64Array amid others': () => gone(new Float64Array(new ArrayBuffer(64), 8, 4)),
    'a detached Uint8Array of no length': () => gone(new Uint8Array(0)),
    'a detached Buffer': () => gone(Buffer.from(new ArrayBuffer(16))),
    'a detached DataView': () => gone(new DataView(new ArrayBuffer(16))),
    'a detached ArrayBuffer': () => gone(new DataView(new ArrayBuffer(16))).buffer,
  },
  resizable: {
    'a Uint8Array that tracks the length': () => new Uint8Array(resizable()),
    'a Uint8Array of a fixed length': () => new Uint8Array(resizable(), 8, 16),
    'a Float64Array of a fixed length': () => new Float64Array(resizable(), 8, 1),
    'a Buffer': () => Buffer.from(resizable(), 0, 16),
    'a DataView': () => new DataView(resizable(), 8, 16),
    'a DataView that tracks the length': () => new DataView(resizable()),
    'an ArrayBuffer': () => resizable(),
    'an ArrayBuffer that is as large as it may be': () => new ArrayBuffer(32, { maxByteLength: 32 }),
    'a Uint8Array of no length': () => new Uint8Array(new ArrayBuffer(0, { maxByteLength: 32 })),
  },
  'out of bounds': {
    'a Uint8Array whose end is gone': () => shrunk(new Uint8Array(resizable(), 8, 16), 20),
    'a Float64Array of which nothing is left': () => shrunk(new Float64Array(resizable(), 8, 1), 0),
    'a Uint8Array whose start is gone': () => shrunk(new Uint8Array(resizable(), 8), 7),
    'a DataView whose end is gone': () => shrunk(new DataView(resizable(), 8, 16), 20),
  },
}

function resizable() {
  return new ArrayBuffer(32, { maxByteLength: 64 })
}

function gone(view) {
  detach(view)
  return view
}

function shrunk(view, byteLength) {
  view.buffer.resize(byteLength)
  return view
}

for (const [word, makers] of Object.entries(UNSAFE)) {
  for (const { name, run } of formsOf('hash')) {
    test(`${name}: refuses what is ${word}, and says so`, async (t) => {
      for (const [what, make] of Object.entries(makers)) {
        for (const options of [{}, { transfer }]) {
          const data = make()
          const { byteLength } = bufferOf(data)
          const error = await errorOf(run(data, options))
          t.is(error.code, 'ERR_INVALID_ARG_VALUE', what)
          t.true(error.message.startsWith('The "data" argument '), error.message)
          t.true(error instanceof TypeError)
          t.is(bufferOf(data).byteLength, byteLength, what)
          const words = Object.keys(UNSAFE).filter((other) => error.message.includes(other))
          t.deepEqual(words, [word], `${what}: ${error.message}`)
        }
      }
    })
  }

  test(`freeze refuses what is ${word}, and says so`, (t) => {
    for (const [what, make] of Object.entries(makers)) {
      const error = t.throws(() => freeze(make()), { code: 'ERR_INVALID_ARG_VALUE' }, what)
      t.true(error.message.includes(word), `${what}: ${error.message}`)
      t.true(error.message.startsWith('The "data" argument '), error.message)
    }
  })
}

for (const { name, run } of formsOf('sort')) {
  test(`${name}: calls the argument by its name`, async (t) => {
    const { message } = await errorOf(run(gone(new Float64Array(2))))
    t.is(message, 'The "view" argument is detached. Received an instance of Float64Array')
  })
}

for (const { name, run } of formsOf('hash')) {
  test(`${name}: takes shared memory that may grow, as long as it is now`, async (t) => {
    const buffer = new SharedArrayBuffer(1000, { maxByteLength: 4000 })
    fillWithNoise(new Uint8Array(buffer), random)
    const views = [buffer, new Uint8Array(buffer), new Uint8Array(buffer, 100, 500), new DataView(buffer, 100)]
    for (const view of views) {
      const [start, end] = view === buffer ? [0] : [view.byteOffset, view.byteOffset + view.byteLength]
      const digest = hashSync(new Uint8Array(buffer.slice(start, end)), hex)
      const task = run(view, { ...hex, transfer })
      buffer.grow(buffer.byteLength + 500)
      t.is(await task, digest)
    }
  })

  test(`${name}: copies the memory of WebAssembly, which cannot be taken`, async (t) => {
    for (const pages of [1, 3]) {
      const memory = new WebAssembly.Memory({ initial: pages })
      const { buffer } = memory
      fillWithNoise(new Uint8Array(buffer), random)
      const digest = hashSync(new Uint8Array(buffer.slice()), hex)
      t.is(await codeOf(run(buffer, { transfer })), 'ERR_INVALID_ARG_VALUE', `${pages} pages`)
      const { code, message } = await errorOf(run(new Uint8Array(buffer), { transfer }))
      t.is(code, 'ERR_INVALID_ARG_VALUE')
      t.true(message.startsWith('The "data" argument stands on memory that cannot be detached'), message)
      t.throws(() => freeze(buffer), { code: 'ERR_INVALID_ARG_VALUE' })
      t.is(memory.buffer, buffer, 'it is not detached')
      t.is(buffer.byteLength, pages * 65536)
      const task = run(buffer, hex)
      memory.grow(1)
      t.is(await task, digest)
      t.is(await codeOf(run(buffer, hex)), 'ERR_INVALID_ARG_VALUE', 'growing has detached it')
    }
  })

  test(`${name}: reads the shared memory of WebAssembly in place`, async (t) => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true })
    const { buffer } = memory
    fillWithNoise(new Uint8Array(buffer), random)
    const digest = hashSync(new Uint8Array(Uint8Array.from(new Uint8Array(buffer))), hex)
    const task = run(buffer, { ...hex, transfer })
    memory.grow(1)
    t.is(await task, digest)
  })

  test(`${name}: refuses to take what is marked as untransferable`, async (t) => {
    for (const length of [1, 16, 100_000]) {
      const data = fillWithNoise(new Uint8Array(length), random)
      const before = snapshot(data)
      markAsUntransferable(data.buffer)
      t.is(await codeOf(run(data, { transfer })), 'ERR_INVALID_ARG_VALUE', `${length} bytes`)
      t.throws(() => freeze(data), { code: 'ERR_INVALID_ARG_VALUE' })
      t.true(same(snapshot(data), before))
      t.is(await run(data, hex), hashSync(before, hex), 'it can be copied')
    }
  })
}

for (const { name, run } of formsOf('hash')) {
  test(`${name}: memory that cannot be taken, and has no bytes`, async (t) => {
    const marked = new ArrayBuffer(0)
    markAsUntransferable(marked)
    const digest = hashSync(new Uint8Array(0), hex)
    for (const buffer of [marked, new WebAssembly.Memory({ initial: 0 }).buffer]) {
      t.is(await run(buffer, hex), digest)
      const outcome = await run(buffer, { ...hex, transfer }).catch((error) => error.code)
      t.true(outcome === digest || outcome === 'ERR_INVALID_ARG_VALUE', outcome)
    }
  })
}

test("the slab of Node's small Buffers is never taken", async (t) => {
  const { code, signal, stdout, stderr } = await runFixture('buffers-slab')
  t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
  t.deepEqual(JSON.parse(stdout), { taken: [], neighbour: 'neighbour', after: 'after' })
})
