// Options are the caller's code, too: what their getters do to the buffer, the signal or the pool, during the call.
import test from 'ava'
import { freeze, hash, hashSync, heavyLoadShared, Pool } from 'heavy-load'
import { detach, fillWithNoise } from '../helpers/buffers-memory.mjs'
import { codeOf, errorOf } from '../helpers/errors.mjs'
import { formsOf, promiseFormsOf } from '../helpers/forms.mjs'
import { openPool } from '../helpers/pool.mjs'
import { randomFrom } from '../helpers/random.mjs'

const transfer = true
const random = randomFrom(6)
const LENGTH = 200_000

/** Each kernel, with the options that are read during a call of it: first those of every task, then its own. */
const CALLS = {
  hash: {
    View: Uint8Array,
    options: { signal: undefined, timeout: 1e6, transfer, algorithm: 'sha256', encoding: 'hex' },
  },
  sort: { View: Float64Array, options: { timeout: 1e6, transfer, onProgress: undefined } },
  heavyLoadShared: { View: Uint32Array, options: { transfer, timeout: 1e6, rounds: 3 } },
}

/** Options that do something when this one of them is read. */
function trap(options, name, act) {
  return Object.defineProperty({ ...options }, name, {
    get() {
      act()
      return options[name]
    },
  })
}

const noise = (View, Buffer = ArrayBuffer) => fillWithNoise(new View(new Buffer(LENGTH)), random)

for (const [kernel, { View, options }] of Object.entries(CALLS)) {
  for (const { name, run } of formsOf(kernel)) {
    for (const option of Object.keys(options)) {
      test(`${name}: the buffer is detached when options.${option} is read`, async (t) => {
        for (const given of [options, { ...options, transfer: kernel === 'heavyLoadShared' }]) {
          const view = noise(View)
          let elsewhere
          const trapped = trap(given, option, () => {
            elsewhere ??= detach(view)
          })
          const error = await errorOf(run(view, trapped))
          t.is(error.code, 'ERR_INVALID_ARG_VALUE')
          t.is(elsewhere.byteLength, LENGTH)
        }
      })

      test(`${name}: options.${option} throws`, async (t) => {
        const view = noise(View)
        const mine = new Error('on purpose')
        const trapped = trap(options, option, () => {
          throw mine
        })
        t.is(await errorOf(run(view, trapped)), mine)
        t.is(view.byteLength, LENGTH, 'the buffer stays with the caller')
      })
    }
  }
}

for (const { name, run } of formsOf('hash')) {
  const options = { algorithm: 'sha256', encoding: 'hex' }

  for (const option of Object.keys(options)) {
    test(`${name}: the same buffer is handed over in another call when options.${option} is read`, async (t) => {
      const view = noise(Uint8Array)
      const digest = hashSync(view, options)
      let other
      const trapped = trap({ ...options, transfer }, option, () => {
        other ??= run(view, { ...options, transfer })
      })
      t.is(await codeOf(run(view, trapped)), 'ERR_INVALID_ARG_VALUE')
      t.is(await other, digest)
    })

    test(`${name}: shared memory grows when options.${option} is read`, async (t) => {
      const buffer = new SharedArrayBuffer(LENGTH, { maxByteLength: 2 * LENGTH })
      const view = fillWithNoise(new Uint8Array(buffer), random)
      const before = hashSync(Uint8Array.from(view), options)
      const digest = await run(
        view,
        trap(options, option, () => buffer.grow(2 * LENGTH)),
      )
      t.true([before, hashSync(Uint8Array.from(view), options)].includes(digest))
    })

    test(`${name}: the memory of WebAssembly grows, and so moves, when options.${option} is read`, async (t) => {
      const memory = new WebAssembly.Memory({ initial: 1 })
      const trapped = trap(options, option, () => memory.grow(1))
      t.is(await codeOf(run(memory.buffer, trapped)), 'ERR_INVALID_ARG_VALUE')
    })

    test(`${name}: a frozen buffer is thawed when options.${option} is read`, async (t) => {
      const view = noise(Uint8Array)
      const digest = hashSync(view, options)
      const frozen = freeze(view)
      let thawed
      let refused
      const trapped = trap(options, option, () => {
        try {
          thawed = frozen.thaw()
        } catch (error) {
          refused = error.code
        }
      })
      const task = run(frozen, trapped)
      thawed?.fill(0)
      const outcome = await task.catch((error) => error.code)
      if (thawed === undefined) {
        t.deepEqual([refused, outcome], ['ERR_BUFFER_IN_USE', digest])
      } else {
        // What has been given back is not read, but by the form that has done so before the caller can write to it.
        t.true(outcome === 'ERR_INVALID_ARG_VALUE' || (name === 'hashSync' && outcome === digest), outcome)
      }
      t.is((thawed ?? frozen.thaw()).length, LENGTH)
    })
  }

  test(`${name}: a frozen buffer is free again when an option throws`, async (t) => {
    const frozen = freeze(noise(Uint8Array))
    const mine = new Error('on purpose')
    const trapped = trap(options, 'algorithm', () => {
      throw mine
    })
    t.is(await errorOf(run(frozen, trapped)), mine)
    t.is(frozen.thaw().length, LENGTH)
  })
}

for (const { name, run } of promiseFormsOf('heavyLoadShared')) {
  test(`${name}: the signal aborts when an option of the kernel is read`, async (t) => {
    const controller = new AbortController()
    const { signal } = controller
    // So many rounds that it would never end by itself.
    const trapped = trap({ signal, rounds: 2 ** 32 - 1, timeout: 20_000 }, 'rounds', () => controller.abort())
    t.is(await codeOf(run(noise(Uint32Array, SharedArrayBuffer), trapped)), 'ABORT_ERR')
  })
}

test('the pool is closed by force when an option of the kernel is read', async (t) => {
  const pool = openPool(t, { threads: 1 })
  await hash(new Uint8Array(1), { pool })
  let closed
  const trapped = trap({ pool, rounds: 2 ** 32 - 1, timeout: 20_000 }, 'rounds', () => {
    closed = pool.close({ force: true })
  })
  t.is(await codeOf(heavyLoadShared(noise(Uint32Array, SharedArrayBuffer), trapped)), 'ERR_POOL_CLOSED')
  // Its deadline ends it if nothing else does; the close is to be sooner than that.
  const timer = new Promise((resolve) => setTimeout(resolve, 10_000, 'still running').unref())
  t.is(await Promise.race([closed, timer]), undefined)
})

test("another task's callback thaws the buffer during the call", async (t) => {
  const pool = new Pool({ threads: 1, niceness: 0 })
  t.teardown(() => pool.close({ force: true }))
  const options = { pool, algorithm: 'sha256', encoding: 'hex' }
  const view = noise(Uint8Array)
  const digest = hashSync(view, { algorithm: 'sha256', encoding: 'hex' })
  for (let round = 0; round < 20; round++) {
    const frozen = freeze(view.slice())
    let thawed
    const thaw = (fraction) => {
      if (fraction !== 1) return
      try {
        thawed = frozen.thaw()
      } catch (error) {
        t.is(error.code, 'ERR_BUFFER_IN_USE')
      }
    }
    // Short tasks, after which a call looks for completions; then one that completes while the event loop stands still.
    for (let task = 0; task < 3; task++) await pool.run('heavyLoad', 1)
    const other = pool.run('spin', 2, { onProgress: thaw })
    await new Promise((resolve) => setTimeout(resolve, 1))
    const until = performance.now() + 10
    while (performance.now() < until);
    const task = hash(frozen, options).catch((error) => error.code)
    // What counts is what had happened by now: once the task has ended, the buffer may be thawed at any time.
    const expected = thawed === undefined ? digest : 'ERR_INVALID_ARG_VALUE'
    thawed?.fill(0)
    t.is(await task, expected)
    await other
  }
})
