// Frozen buffers: any number of readers at once, in every form and pool, and the same bytes back when all are done.
import * as workerThreads from 'node:worker_threads'
import test from 'ava'
import { FrozenBuffer, freeze, hash, hashAsync, hashSync, heavyLoadShared, sort } from 'heavy-load'
import { collectGarbage, detach, fillWithNoise, onOneSlab, same, snapshot } from '../helpers/buffers-memory.mjs'
import { runFixture } from '../helpers/child.mjs'
import { codeOf } from '../helpers/errors.mjs'
import { formsOf, promiseFormsOf } from '../helpers/forms.mjs'
import { hold, openPool } from '../helpers/pool.mjs'
import { randomFrom } from '../helpers/random.mjs'
import { turn, until } from '../helpers/turns.mjs'

const random = randomFrom(7)
const LENGTH = 300_000
/** So much that reading it takes a while. */
const LARGE = 64 * 2 ** 20
const hex = { encoding: 'hex' }
const sha256 = { algorithm: 'sha256', encoding: 'hex' }
const IN_USE = { code: 'ERR_BUFFER_IN_USE', name: 'HeavyLoadError' }
const GONE = { code: 'ERR_INVALID_ARG_VALUE', instanceOf: TypeError }

const noise = (Buffer = ArrayBuffer) => fillWithNoise(new Uint8Array(new Buffer(LENGTH + 48), 16, LENGTH), random)

/** Thaws it as soon as no task reads it any more, and not before. */
async function thawWhenFree(t, frozen) {
  let thawed
  await until(() => {
    try {
      thawed = frozen.thaw()
    } catch (error) {
      t.is(error.code, 'ERR_BUFFER_IN_USE')
    }
    return thawed !== undefined
  }, 'a free buffer')
  return thawed
}

const OWN = {
  Uint8Array: (view) => view,
  Float64Array: ({ buffer }) => new Float64Array(buffer, 16, LENGTH / 8),
  DataView: ({ buffer }) => new DataView(buffer, 16, LENGTH),
}

for (const [type, make] of Object.entries(OWN)) {
  test(`a ${type} is taken, and its bytes come back`, async (t) => {
    const view = noise()
    const { buffer } = view
    const before = snapshot(view)
    const data = make(view)
    const frozen = freeze(data)
    t.true(frozen instanceof FrozenBuffer)
    t.is(frozen.byteLength, LENGTH)
    t.is(buffer.byteLength, 0)
    await hash(frozen)
    const thawed = frozen.thaw()
    t.is(Object.getPrototypeOf(thawed), Uint8Array.prototype)
    t.like(thawed, { byteOffset: 16, byteLength: LENGTH })
    t.true(same(snapshot(thawed), before), 'its neighbours are there, too')
    t.is(frozen.byteLength, 0)
  })
}

test('an ArrayBuffer is taken whole', (t) => {
  const { buffer } = noise()
  const before = new Uint8Array(buffer.slice())
  const frozen = freeze(buffer)
  t.is(buffer.byteLength, 0)
  const thawed = frozen.thaw()
  t.is(thawed.byteOffset, 0)
  t.true(same(thawed, before))
})

test('a Buffer that shares its memory is copied', (t) => {
  const [neighbour, data] = onOneSlab('neighbour', 'frozen')
  const frozen = freeze(data)
  const digest = hashSync(Buffer.from('frozen'), hex)
  data.fill(0)
  t.is(hashSync(frozen, hex), digest)
  t.is(Buffer.from(frozen.thaw()).toString(), 'frozen')
  t.is(neighbour.toString(), 'neighbour')
})

test('a Buffer that has its memory for itself is taken', (t) => {
  const data = Buffer.from(new Uint8Array([1, 2, 3]).buffer)
  const frozen = freeze(data)
  t.is(data.length, 0)
  t.deepEqual([...frozen.thaw()], [1, 2, 3])
})

test('no bytes', async (t) => {
  const frozen = freeze(new Uint8Array(0))
  t.is(frozen.byteLength, 0)
  t.is(await hash(frozen, hex), hashSync(new Uint8Array(0), hex))
  t.is(frozen.thaw().length, 0)
})

test('shared memory cannot be taken away', (t) => {
  const buffer = new SharedArrayBuffer(8)
  for (const data of [buffer, new Uint8Array(buffer), new DataView(buffer), Buffer.from(buffer)]) {
    t.throws(() => freeze(data), GONE)
  }
  t.throws(() => freeze(new Uint8Array(new SharedArrayBuffer(8, { maxByteLength: 16 }))), GONE)
})

test('only bytes are frozen', (t) => {
  for (const data of [undefined, null, 5, 'abc', true, [], {}, { byteLength: 1 }, () => {}, new Map()]) {
    t.throws(() => freeze(data), { code: 'ERR_INVALID_ARG_TYPE', instanceOf: TypeError })
  }
})

test('what is frozen may be frozen again', async (t) => {
  const view = noise()
  const digest = hashSync(view, hex)
  const frozen = freeze(view)
  const again = freeze(frozen)
  t.is(await hash(again, hex), digest)
  t.is(again.thaw().length, LENGTH)
  t.throws(() => freeze(view), GONE, 'the view itself is detached')
})

test('a FrozenBuffer is made by freeze alone', (t) => {
  for (const args of [[], [new Uint8Array(1)], [FrozenBuffer], [undefined]]) {
    t.throws(() => new FrozenBuffer(...args), { instanceOf: TypeError })
    t.throws(() => Reflect.construct(FrozenBuffer, args, Object), { instanceOf: TypeError })
  }
  class Sub extends FrozenBuffer {}
  t.throws(() => new Sub(FrozenBuffer), { instanceOf: TypeError })
})

test('it is not cloned: an empty object would come of it', (t) => {
  const frozen = freeze(new Uint8Array(8))
  // Node.js below 22.10 has no word for that.
  if (workerThreads.markAsUncloneable === undefined) t.deepEqual(structuredClone(frozen), {})
  else t.throws(() => structuredClone({ frozen }), { name: 'DataCloneError' })
  t.is(frozen.byteLength, 8)
})

test('nothing of it can be reached or changed', (t) => {
  const frozen = freeze(noise())
  t.deepEqual(Reflect.ownKeys(frozen), [])
  t.throws(
    () => {
      frozen.byteLength = 5
    },
    { instanceOf: TypeError },
  )
  t.is(frozen.byteLength, LENGTH)
})

for (const { name, run } of formsOf('hash')) {
  test(`${name}: after a thaw there is nothing to read`, async (t) => {
    const frozen = freeze(noise())
    frozen.thaw()
    t.is(await codeOf(run(frozen)), 'ERR_INVALID_ARG_VALUE')
    t.throws(() => frozen.thaw(), GONE)
  })

  test(`${name}: one who has awaited the last reader thaws at once`, async (t) => {
    for (let round = 0; round < 50; round++) {
      const view = noise()
      const digest = hashSync(view, sha256)
      const frozen = freeze(view)
      t.is(await run(frozen, sha256), digest)
      t.is(frozen.thaw().length, LENGTH)
    }
  })

  test(`${name}: transfer means nothing for what is frozen`, async (t) => {
    const frozen = freeze(noise())
    const digest = await run(frozen, { transfer: true })
    t.deepEqual(await run(frozen, { transfer: true }), digest)
    t.is(frozen.thaw().length, LENGTH)
  })
}

for (const kernel of ['sort', 'heavyLoadShared']) {
  for (const { name, run } of formsOf(kernel)) {
    test(`${name}: changes its input, and so refuses one that is frozen`, async (t) => {
      for (const options of [{}, { transfer: true }]) {
        const view = noise()
        const before = snapshot(view)
        const frozen = freeze(view)
        t.is(await codeOf(run(frozen, options)), 'ERR_INVALID_ARG_TYPE')
        t.true(same(snapshot(frozen.thaw()), before))
      }
    })
  }
}

for (const { name, run } of promiseFormsOf('hash')) {
  test(`${name}: a buffer that is read is not thawed`, async (t) => {
    const view = noise()
    const digest = hashSync(view, sha256)
    const frozen = freeze(view)
    const task = run(frozen, sha256)
    t.throws(() => frozen.thaw(), IN_USE)
    t.is(frozen.byteLength, LENGTH)
    t.is(await task, digest)
    t.is(frozen.thaw().length, LENGTH)
  })

  test(`${name}: readers are counted`, async (t) => {
    const frozen = freeze(noise())
    const tasks = Array.from({ length: 20 }, () => run(frozen))
    t.throws(() => frozen.thaw(), { ...IN_USE, message: /20/ })
    await Promise.all(tasks)
    t.is(frozen.thaw().length, LENGTH)
  })

  test(`${name}: an aborted reader reads until its thread is done`, async (t) => {
    const frozen = freeze(new Uint8Array(LARGE))
    const controller = new AbortController()
    const onProgress = () => controller.abort()
    const tasks = Array.from({ length: 4 }, () =>
      codeOf(run(frozen, { ...sha256, signal: controller.signal, onProgress })),
    )
    t.deepEqual(await Promise.all(tasks), Array(4).fill('ABORT_ERR'))
    t.is((await thawWhenFree(t, frozen)).length, LARGE)
    t.is(await codeOf(run(frozen)), 'ERR_INVALID_ARG_VALUE')
  })

  test(`${name}: a reader that runs out of time reads until its thread is done`, async (t) => {
    const frozen = freeze(new Uint8Array(LARGE))
    // A pool may see at the call that it cannot be in time.
    t.regex(await codeOf(run(frozen, { ...sha256, timeout: 1 })), /^ERR_(TASK_TIMEOUT|POOL_OVERLOADED)$/)
    t.is((await thawWhenFree(t, frozen)).length, LARGE)
  })

  test(`${name}: the caller may forget what is read`, async (t) => {
    const bytes = noise().slice()
    const digest = hashSync(bytes, sha256)
    const tasks = Array.from({ length: 8 }, () => run(freeze(bytes.slice()), sha256))
    for (let number = 0; number < 10; number++) {
      collectGarbage()
      // Memory that was freed would be used again for these.
      t.is(new Uint8Array(LENGTH).fill(number).length, LENGTH)
      await turn()
    }
    t.deepEqual(await Promise.all(tasks), Array(8).fill(digest))
  })
}

test('a queued reader that is aborted reads no more', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const release = await hold(pool)
  const frozen = freeze(noise())
  const controller = new AbortController()
  const task = codeOf(hash(frozen, { pool, signal: controller.signal }))
  t.throws(() => frozen.thaw(), IN_USE)
  controller.abort()
  t.is(await task, 'ABORT_ERR')
  // Although no thread is free.
  t.is((await thawWhenFree(t, frozen)).length, LENGTH)
  await release()
})

test('a queued reader whose pool is closed reads no more', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const release = await hold(pool)
  const frozen = freeze(noise())
  const task = codeOf(hash(frozen, { pool }))
  t.throws(() => frozen.thaw(), IN_USE)
  await Promise.all([pool.close({ force: true }), release()])
  t.is(await task, 'ERR_POOL_CLOSED')
  t.is(frozen.thaw().length, LENGTH)
})

test('a refused reader reads nothing', async (t) => {
  const pool = openPool(t, { threads: 1, maxQueue: 0 })
  const release = await hold(pool)
  const frozen = freeze(noise())
  t.is(await codeOf(hash(frozen, { pool })), 'ERR_POOL_OVERLOADED')
  t.is(await codeOf(hash(frozen, { algorithm: 'md5' })), 'ERR_INVALID_ARG_VALUE')
  t.is(await codeOf(hash(frozen, { signal: AbortSignal.abort() })), 'ABORT_ERR')
  t.throws(() => hashSync(frozen, { encoding: 5 }), { code: 'ERR_INVALID_ARG_TYPE' })
  t.is(await codeOf(hashAsync(frozen, { timeout: -1 })), 'ERR_OUT_OF_RANGE')
  t.is(frozen.thaw().length, LENGTH)
  await release()
})

test('readers in every form and in several pools at once', async (t) => {
  const pools = [openPool(t, { threads: 1 }), openPool(t, { threads: 2 }), undefined]
  const view = noise()
  const expected = Object.fromEntries(
    ['blake3', 'sha256', 'sha512', 'xxh3', 'crc32'].map((algorithm) => [
      algorithm,
      hashSync(view, { algorithm, ...hex }),
    ]),
  )
  const frozen = freeze(view)
  const tasks = []
  for (let round = 0; round < 20; round++) {
    for (const algorithm of Object.keys(expected)) {
      const options = { algorithm, ...hex }
      for (const pool of pools) tasks.push(hash(frozen, { ...options, pool }).then((digest) => [algorithm, digest]))
      tasks.push(hashAsync(frozen, options).then((digest) => [algorithm, digest]))
      tasks.push([algorithm, hashSync(frozen, options)])
    }
  }
  t.throws(() => frozen.thaw(), IN_USE)
  for (const [algorithm, digest] of await Promise.all(tasks)) t.is(digest, expected[algorithm])
  t.is(frozen.thaw().length, LENGTH)
})

test('map reads what is frozen, as often as it is given', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const view = noise()
  const digest = hashSync(view, hex)
  const frozen = freeze(view)
  let count = 0
  for await (const { value } of pool.map(hash, Array(50).fill(frozen), hex)) {
    t.is(value, digest)
    count++
  }
  t.is(count, 50)
  t.is(frozen.thaw().length, LENGTH)
})

test("what was thawed is the caller's own again", async (t) => {
  const view = noise()
  const digest = hashSync(view, hex)
  const thawed = freeze(freeze(view).thaw()).thaw()
  t.is(hashSync(thawed, hex), digest)
  t.is(await hash(thawed, { ...hex, transfer: true }), digest)
  t.is(thawed.length, 0)
  const sorted = freeze(Uint8Array.of(3, 1, 2)).thaw()
  t.deepEqual([...(await sort(sorted))], [1, 2, 3])
  const words = new Uint32Array(freeze(Uint32Array.of(1)).thaw().buffer)
  await heavyLoadShared(words, { rounds: 1, transfer: true })
  t.is(words.length, 0)
  t.is(detach(freeze(new Uint8Array(8)).thaw()).byteLength, 8)
})

test('a frozen buffer that is dropped is collected, with its bytes', async (t) => {
  const { code, signal, stdout, stderr } = await runFixture('buffers-frozen-collected', { flags: ['--expose-gc'] })
  t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
  t.deepEqual(JSON.parse(stdout), { buffers: 16, collected: 16, bytesLeft: 0 })
})
