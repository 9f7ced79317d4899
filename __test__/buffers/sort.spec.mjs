// sort: the order of TypedArray.prototype.sort, for every class of numbers, form and hand-over.
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { freeze, sort, sortAsync } from 'heavy-load'
import { detach, differ, fillWithNoise, same, snapshot, VIEWS } from '../helpers/buffers-memory.mjs'
import { codeOf, errorOf } from '../helpers/errors.mjs'
import { formsOf, promiseFormsOf } from '../helpers/forms.mjs'
import { openPool } from '../helpers/pool.mjs'
import { randomFrom } from '../helpers/random.mjs'
import { until } from '../helpers/turns.mjs'

const forms = formsOf('sort')
const transfer = true
/** Elements that are sorted at once, and pieces of a merge's output. */
const RUN = 32 * 1024
/** No run, one, and several: an even and an odd number of rounds of merges, and runs without a partner. */
const LENGTHS = [0, 1, 2, 3, RUN - 1, RUN, RUN + 1, 2 * RUN, 2 * RUN + 1, 3 * RUN - 1, 5 * RUN + 7]

/** Numbers that order oddly. */
const SPECIAL = [NaN, -NaN, -0, 0, Infinity, -Infinity, Number.MIN_VALUE, -Number.MIN_VALUE, 1, -1, 0.5, 1e300, -1e300]

const random = randomFrom(2)
const noise = (View, length) => fillWithNoise(new View(length), random)
const isBig = (View) => View === BigInt64Array || View === BigUint64Array
const isFloat = (View) => View === Float32Array || View === Float64Array

/** Data in every shape that a sort could mistake. */
const SHAPES = {
  // Random bits: among floats, NaNs of every kind and subnormal numbers.
  random: noise,
  'of few values': (View, length) => noise(View, length).map((x) => (isBig(View) ? x & 7n : Math.trunc(x) & 7)),
  'all equal': (View, length) => new View(length).fill(isBig(View) ? 7n : 7),
  sorted: (View, length) => noise(View, length).sort(),
  reversed: (View, length) => noise(View, length).sort().reverse(),
  'sorted but for one': (View, length) => {
    const view = noise(View, length).sort()
    if (length > 1) [view[0], view[length - 1]] = [view[length - 1], view[0]]
    return view
  },
}
const special = (View, length) => new View(length).map(() => SPECIAL[Math.floor(random() * SPECIAL.length)])

function shapesFor(View) {
  return Object.entries(isFloat(View) ? { ...SHAPES, special } : SHAPES)
}

/** A view amid other elements. */
function amid(View, Buffer, data, before = 3, after = 5) {
  const size = View.BYTES_PER_ELEMENT
  const buffer = new Buffer((before + data.length + after) * size)
  new Uint8Array(buffer).fill(0xee)
  const view = new View(buffer, before * size, data.length)
  view.set(data)
  return view
}

for (const View of VIEWS) {
  for (const [shape, make] of shapesFor(View)) {
    test(`a ${View.name}, ${shape}`, async (t) => {
      for (const length of shape === 'random' ? LENGTHS : [2, 1000, 3 * RUN - 1]) {
        const data = make(View, length)
        const given = data.slice()
        const sorted = data.slice().sort()
        for (const { name, run } of forms) {
          const result = await run(data)
          t.is(differ(result, sorted), 'nowhere', `${name}, ${length} elements`)
          t.is(Object.getPrototypeOf(result), View.prototype)
        }
        t.is(differ(data, given), 'nowhere', 'the input is as it was')
      }
    })
  }

  for (const { name, run } of forms) {
    for (const length of [0, 1, 1000, 3 * RUN + 2]) {
      test(`${name}: ${length} elements of a ${View.name}, amid others, by each hand-over`, async (t) => {
        const data = noise(View, length)
        const sorted = data.slice().sort()

        const copied = amid(View, ArrayBuffer, data)
        const before = snapshot(copied)
        const copy = await run(copied)
        t.is(differ(copy, sorted), 'nowhere')
        t.not(copy.buffer, copied.buffer)
        t.like(copy, { byteOffset: 0, length })
        t.is(copy.buffer.byteLength, copy.byteLength, 'nobody else has a part in it')
        t.true(same(snapshot(copied), before))

        const moved = amid(View, ArrayBuffer, data)
        const { buffer, byteOffset } = moved
        const { byteLength } = buffer
        const result = await run(moved, { transfer })
        t.is(buffer.byteLength, 0)
        t.is(moved.length, 0)
        t.is(differ(result, sorted), 'nowhere')
        t.is(Object.getPrototypeOf(result), View.prototype)
        t.like(result, { byteOffset, length })
        t.is(result.buffer.byteLength, byteLength)
        t.true(neighboursAreUntouched(result))

        for (const options of [{}, { transfer }]) {
          const shared = amid(View, SharedArrayBuffer, data)
          t.is(await run(shared, options), shared)
          t.is(differ(shared, sorted), 'nowhere')
          t.true(neighboursAreUntouched(shared))
        }
      })
    }
  }
}

function neighboursAreUntouched({ buffer, byteOffset, byteLength }) {
  const around = [...new Uint8Array(buffer, 0, byteOffset), ...new Uint8Array(buffer, byteOffset + byteLength)]
  return around.length > 0 && around.every((byte) => byte === 0xee)
}

for (const { name, run } of forms) {
  test(`${name}: a Buffer stays a Buffer`, async (t) => {
    for (const length of [0, 5, 100_000]) {
      const data = noise(Uint8Array, length)
      const sorted = Buffer.from(data.slice().sort())
      const inputs = {
        'of its own': () => Buffer.from(data.slice().buffer),
        'of the slab, if it is small': () => Buffer.from(data),
        'over part of a buffer': () => Buffer.from(amid(Uint8Array, ArrayBuffer, data).buffer, 3, length),
        shared: () => Buffer.from(amid(Uint8Array, SharedArrayBuffer, data).buffer, 3, length),
      }
      for (const [what, make] of Object.entries(inputs)) {
        for (const options of [{}, { transfer }]) {
          const result = await run(make(), options)
          t.true(Buffer.isBuffer(result), `${length}, ${what}`)
          t.true(result.equals(sorted), `${length}, ${what}`)
        }
      }
    }
  })

  test(`${name}: an array of another realm`, async (t) => {
    const foreign = runInNewContext('new Float64Array([3, -0, NaN, 0, -1])')
    const sorted = [-1, -0, 0, 3, NaN]
    t.deepEqual([...(await run(foreign))], sorted)
    t.deepEqual([...(await run(foreign, { transfer }))], sorted)
    t.is(foreign.length, 0)
  })

  test(`${name}: an array of a subclass gives one of the class beneath`, async (t) => {
    class Sub extends Int16Array {}
    for (const options of [{}, { transfer }]) {
      const result = await run(new Sub([3, 1, 2]), options)
      t.is(Object.getPrototypeOf(result), Int16Array.prototype)
      t.deepEqual([...result], [1, 2, 3])
    }
  })

  test(`${name}: what was sorted is sorted again, by each hand-over`, async (t) => {
    const data = noise(Int32Array, 1000)
    const expected = data.slice().sort()
    const once = await run(data)
    once.reverse()
    const twice = await run(once, { transfer })
    twice.reverse()
    t.is(differ(await run(twice), expected), 'nowhere')
  })

  test(`${name}: takes typed arrays only`, async (t) => {
    const bare = [new ArrayBuffer(16), new SharedArrayBuffer(16), new DataView(new ArrayBuffer(16))]
    const frozen = [freeze(new Float64Array(2)), freeze(new Uint8Array(0))]
    const others = [undefined, null, 5, 'abc', true, Symbol('abc'), [2, 1], {}, { length: 0 }, () => {}, new Map()]
    const strange = [new Proxy(new Uint8Array(4), {}), Object.create(Uint8Array.prototype)]
    for (const input of [...bare, ...frozen, ...others, ...strange]) {
      for (const options of [{}, { transfer }]) {
        const error = await errorOf(run(input, options))
        t.is(error.code, 'ERR_INVALID_ARG_TYPE')
        t.true(error instanceof TypeError)
        t.regex(error.message, /^The "view" argument must be an instance of TypedArray\. Received /)
      }
    }
    t.deepEqual([bare[0].byteLength, bare[2].byteLength, frozen[0].byteLength], [16, 16, 16], 'all keep their bytes')
    t.is(frozen[0].thaw().byteLength, 16, 'nobody reads it')
  })

  test(`${name}: refuses memory that is gone or may vanish`, async (t) => {
    const gone = new Float32Array(4)
    detach(gone)
    t.is(await codeOf(run(gone)), 'ERR_INVALID_ARG_VALUE')
    t.is(await codeOf(run(new Float32Array(new ArrayBuffer(16, { maxByteLength: 32 })))), 'ERR_INVALID_ARG_VALUE')
  })
}

for (const { name, run } of promiseFormsOf('sort')) {
  test(`${name}: rejects, and never throws`, async (t) => {
    t.is(await codeOf(run()), 'ERR_INVALID_ARG_TYPE')
    t.is(await codeOf(run([2, 1])), 'ERR_INVALID_ARG_TYPE')
    t.is(await codeOf(run(new Uint8Array(1), null)), 'ERR_INVALID_ARG_TYPE')
    t.is(await codeOf(run(new Uint8Array(1), { transfer: 1 })), 'ERR_INVALID_ARG_TYPE')
  })

  test.serial(`${name}: tells its progress`, async (t) => {
    const told = []
    const data = noise(Float64Array, 2 ** 21)
    await run(data, { transfer, onProgress: (fraction) => told.push(fraction) })
    t.true(told.every((fraction) => fraction >= 0 && fraction <= 1))
    t.deepEqual(
      told,
      told.slice().sort((one, other) => one - other),
      'it never goes back',
    )
    t.is(told.at(-1), 1)
  })
}

test.serial('a sort of millions is stopped while it runs, by each hand-over, and the pool serves on', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const elements = 2 ** 22
  const data = noise(Float64Array, elements)
  const shared = new Float64Array(new SharedArrayBuffer(data.byteLength))
  shared.set(data)
  const inputs = { copied: [data, {}], shared: [shared, {}], moved: [data.slice(), { transfer }] }
  for (const [what, [view, options]] of Object.entries(inputs)) {
    const controller = new AbortController()
    const { cancelled } = pool.stats()
    const task = codeOf(sort(view, { ...options, pool, signal: controller.signal }))
    await until(() => pool.stats().running === 1, 'a running sort')
    controller.abort()
    t.is(await task, 'ABORT_ERR', what)
    await until(() => pool.stats().running === 0, 'free threads')
    t.is(pool.stats().cancelled, cancelled + 1)
    t.deepEqual([...(await sort(Int8Array.of(3, -1, 2), { pool }))], [-1, 2, 3], what)
  }
  t.deepEqual([data.length, shared.length, inputs.moved[0].length], [elements, elements, 0])
})

test.serial('a sort of millions on a thread of libuv is stopped while it runs', async (t) => {
  const controller = new AbortController()
  const onProgress = () => controller.abort()
  const task = sortAsync(noise(Float64Array, 2 ** 22), { transfer, signal: controller.signal, onProgress })
  t.is(await codeOf(task), 'ABORT_ERR')
  t.deepEqual([...(await sortAsync(Int8Array.of(3, -1, 2)))], [-1, 2, 3])
})

test.serial('elements that JavaScript writes during the sort do no harm', async (t) => {
  const view = new Float64Array(new SharedArrayBuffer(2 ** 20 * 8 + 16), 8, 2 ** 20)
  fillWithNoise(view, random)
  let done = false
  const task = sort(view).finally(() => {
    done = true
  })
  for (let writes = 0; !done; writes++) {
    view.fill(writes % 2 ? NaN : -writes, 0, 2 ** 16)
    await new Promise(setImmediate)
  }
  t.is(await task, view)
  t.deepEqual(
    [...new Uint8Array(view.buffer, 0, 8), ...new Uint8Array(view.buffer, 8 + view.byteLength)],
    Array(16).fill(0),
  )
})
