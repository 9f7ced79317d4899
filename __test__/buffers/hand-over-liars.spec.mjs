// Views that lie about themselves: the memory they stand on counts, and nothing that they say.
import test from 'ava'
import { FrozenBuffer, freeze, hashSync } from 'heavy-load'
import { detach, fillWithNoise } from '../helpers/buffers-memory.mjs'
import { codeOf } from '../helpers/errors.mjs'
import { formsOf } from '../helpers/forms.mjs'
import { randomFrom } from '../helpers/random.mjs'

const transfer = true
const random = randomFrom(5)
const hex = { encoding: 'hex' }
const LENGTH = 100_000

/** What makes a liar of a view. `seen` is told of all that is asked of it, or shown to it. */
const LIES = {
  'a buffer of its own': (view) => own(view, 'buffer', { value: new SharedArrayBuffer(8) }),
  'a buffer that throws': (view, seen) => own(view, 'buffer', { get: thrower(seen) }),
  'a byteLength of its own': (view) => own(view, 'byteLength', { value: 2 ** 40 }),
  'a length of its own': (view) => own(view, 'length', { value: 2 ** 40 }),
  'a byteOffset of its own': (view) => own(view, 'byteOffset', { value: -8 }),
  'a constructor of its own': (view, seen) => own(view, 'constructor', { value: spy(seen) }),
  'a constructor that throws': (view, seen) => own(view, 'constructor', { get: thrower(seen) }),
  'a constructor without a name': (view) => own(view, 'constructor', { value: { name: Symbol('none') } }),
  'a toStringTag of its own': (view) => own(view, Symbol.toStringTag, { value: 'Float64Array' }),
  'an iterator that throws': (view, seen) => own(view, Symbol.iterator, { get: thrower(seen) }),
  'methods of its own': (view, seen) => {
    for (const name of ['at', 'slice', 'subarray', 'set', 'sort', 'values']) own(view, name, { value: spy(seen) })
  },
  'a buffer with methods of its own': ({ buffer }, seen) => {
    for (const name of ['transfer', 'slice', 'resize', 'constructor']) own(buffer, name, { value: spy(seen) })
    own(buffer, 'byteLength', { value: 2 ** 40 })
    own(buffer, 'resizable', { value: true })
  },
  'no prototype': (view) => Object.setPrototypeOf(view, null),
  'the prototype of another class': (view) => Object.setPrototypeOf(view, Float64Array.prototype),
  'a species': (view, seen) => {
    class Sub extends Uint8Array {
      static get [Symbol.species]() {
        return spy(seen)
      }
    }
    Object.setPrototypeOf(view, Sub.prototype)
  },
}

function own(object, name, property) {
  Object.defineProperty(object, name, { ...property, configurable: true })
}

function spy(seen) {
  return function Spy(...args) {
    seen.push(args)
    return new Uint8Array(...args)
  }
}

function thrower(seen) {
  return () => {
    seen.push('asked')
    throw new Error('on purpose')
  }
}

function noise(Buffer = ArrayBuffer) {
  return fillWithNoise(new Uint8Array(new Buffer(LENGTH + 16), 8, LENGTH), random)
}

function isDetached(buffer) {
  try {
    return new Uint8Array(buffer) === undefined
  } catch {
    return true
  }
}

for (const [lie, make] of Object.entries(LIES)) {
  for (const { name, run } of formsOf('hash')) {
    test(`${name}: ${lie}`, async (t) => {
      for (const options of [{}, { transfer }]) {
        const seen = []
        const view = noise()
        const { buffer } = view
        const digest = hashSync(view, hex)
        make(view, seen)
        t.is(await run(view, { ...hex, ...options }), digest)
        t.is(isDetached(buffer), options.transfer === true)
        t.deepEqual(seen, [])
      }
    })

    test(`${name}: ${lie}, detached`, async (t) => {
      const view = noise()
      const { buffer } = view
      make(view, [])
      detach({ buffer })
      t.is(await codeOf(run(view)), 'ERR_INVALID_ARG_VALUE')
    })
  }

  for (const { name, run } of formsOf('sort')) {
    test(`${name}: ${lie}`, async (t) => {
      for (const options of [{}, { transfer }]) {
        const seen = []
        const view = noise()
        const sorted = view.slice().sort()
        make(view, seen)
        const result = await run(view, options)
        t.is(Object.getPrototypeOf(result), Uint8Array.prototype)
        t.is(Buffer.compare(result, sorted), 0)
        t.deepEqual(seen, [])
      }
      const shared = noise(SharedArrayBuffer)
      const { buffer } = shared
      const sorted = shared.slice().sort()
      make(shared, [])
      t.is(await run(shared), shared)
      t.is(Buffer.compare(new Uint8Array(buffer, 8, LENGTH), sorted), 0)
    })
  }

  test(`freeze: ${lie}`, (t) => {
    const seen = []
    const view = noise()
    const { buffer } = view
    const bytes = view.slice()
    make(view, seen)
    const frozen = freeze(view)
    t.true(isDetached(buffer))
    t.is(frozen.byteLength, LENGTH)
    t.is(Buffer.compare(frozen.thaw(), bytes), 0)
    t.deepEqual(seen, [])
  })
}

for (const { name, run } of formsOf('hash')) {
  test(`${name}: what passes for a FrozenBuffer, and is none`, async (t) => {
    const { prototype } = FrozenBuffer
    t.is(await codeOf(run(Object.create(prototype))), 'ERR_INVALID_ARG_TYPE')
    t.is(await codeOf(run(Object.setPrototypeOf({ byteLength: 8 }, prototype))), 'ERR_INVALID_ARG_TYPE')
    const view = noise()
    const digest = hashSync(view, hex)
    t.is(await run(Object.setPrototypeOf(view, prototype), hex), digest)
  })
}

test('freeze: what passes for a FrozenBuffer, and is none', (t) => {
  t.throws(() => freeze(Object.create(FrozenBuffer.prototype)), { code: 'ERR_INVALID_ARG_TYPE' })
})
