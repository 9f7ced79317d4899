// Aborting tasks, queued or running, by the caller's signal, which is otherwise left alone.
import { getEventListeners } from 'node:events'
import test from 'ava'
import { HeavyLoadError, heavyLoad, heavyLoadShared, heavyLoadSharedAsync, Pool } from 'heavy-load'
import { errorOf } from '../helpers/errors.mjs'
import { promiseFormsOf } from '../helpers/forms.mjs'
import { turn } from '../helpers/turns.mjs'

/** More steps than any machine counts within a test. */
const ENDLESS = 1e12

function isAbort(t, error, reason, about) {
  t.is(error.code, 'ABORT_ERR', about)
  t.is(error.name, 'AbortError', about)
  t.true(error instanceof HeavyLoadError, about)
  t.is(error.cause, reason, about)
}

async function turns(count) {
  for (let number = 0; number < count; number++) await turn()
}

function listeners(signal) {
  return getEventListeners(signal, 'abort').length
}

// One after the other: in libuv's pool an endless task keeps its thread until it is aborted, and there are four.
for (const { name, run } of promiseFormsOf('heavyLoad')) {
  test.serial(`${name}: stops while it runs`, async (t) => {
    for (const reason of [undefined, new Error('changed my mind'), 'a string', null]) {
      const controller = new AbortController()
      const task = errorOf(run(ENDLESS, { signal: controller.signal }))
      await turns(20)
      controller.abort(reason)
      isAbort(t, await task, controller.signal.reason)
    }
  })

  test.serial(`${name}: aborts in the same tick as the call`, async (t) => {
    const controller = new AbortController()
    const task = errorOf(run(ENDLESS, { signal: controller.signal }))
    controller.abort()
    isAbort(t, await task, controller.signal.reason)
  })

  test.serial(`${name}: rejects at once if the signal has aborted already`, async (t) => {
    const signal = AbortSignal.abort(new Error('before'))
    isAbort(t, await errorOf(run(ENDLESS, { signal })), signal.reason)
    t.is(listeners(signal), 0)
  })

  test.serial(`${name}: one signal aborts many tasks, those after a finished one too`, async (t) => {
    const controller = new AbortController()
    const { signal } = controller
    const first = run(1000, { signal })
    const endless = () => errorOf(run(ENDLESS, { signal }))
    const tasks = [endless(), endless()]
    t.is(await first, 1000)
    t.is(await run(1000, { signal }), 1000)
    // More than there are threads, in either form.
    while (tasks.length < 20) tasks.push(endless())
    await turns(5)
    controller.abort()
    for (const error of await Promise.all(tasks)) isAbort(t, error, signal.reason)
  })

  test.serial(`${name}: leaves the caller's listeners and onabort alone`, async (t) => {
    const controller = new AbortController()
    const { signal } = controller
    const calls = []
    const onabort = () => calls.push('onabort')
    signal.addEventListener('abort', () => calls.push('before'))
    signal.onabort = onabort
    const finished = run(10, { signal })
    const task = errorOf(run(ENDLESS, { signal }))
    signal.addEventListener('abort', () => calls.push('after'))
    await finished
    t.is(signal.onabort, onabort)
    controller.abort()
    isAbort(t, await task, signal.reason)
    t.deepEqual(calls, ['before', 'onabort', 'after'])
    t.is(signal.onabort, onabort)
  })

  test.serial(`${name}: a listener of the caller's that stops the event does not disarm ours`, async (t) => {
    const controller = new AbortController()
    const { signal } = controller
    signal.addEventListener('abort', (event) => event.stopImmediatePropagation())
    const tasks = [errorOf(run(ENDLESS, { signal })), errorOf(run(ENDLESS, { signal }))]
    await turns(5)
    controller.abort()
    for (const error of await Promise.all(tasks)) isAbort(t, error, signal.reason)
  })

  test.serial(`${name}: takes AbortSignal.timeout for an abort`, async (t) => {
    const signal = AbortSignal.timeout(20)
    const error = await errorOf(run(ENDLESS, { signal }))
    isAbort(t, error, signal.reason)
    t.is(error.cause.name, 'TimeoutError')
  })

  test.serial(`${name}: takes AbortSignal.any`, async (t) => {
    const controller = new AbortController()
    const signal = AbortSignal.any([new AbortController().signal, controller.signal])
    const task = errorOf(run(ENDLESS, { signal }))
    await turns(5)
    controller.abort(new Error('one of them'))
    isAbort(t, await task, controller.signal.reason)
  })

  test.serial(`${name}: takes several signals, of which any aborts`, async (t) => {
    for (const index of [0, 1]) {
      const controllers = [new AbortController(), new AbortController()]
      const signal = controllers.map((controller) => controller.signal)
      const task = errorOf(run(ENDLESS, { signal }))
      // What the array holds later is another matter.
      signal.length = 0
      await turns(5)
      controllers[index].abort(new Error('one of them'))
      isAbort(t, await task, controllers[index].signal.reason)
      for (const controller of controllers) t.is(listeners(controller.signal), 0)
      const before = await errorOf(run(ENDLESS, { signal: [new AbortController().signal, controllers[index].signal] }))
      isAbort(t, before, controllers[index].signal.reason)
    }
    const { signal } = new AbortController()
    t.is(await run(1000, { signal: [] }), 1000)
    t.is(await run(1000, { signal: [signal, signal] }), 1000)
    t.is(listeners(signal), 0)
    for (const bad of [[null], [signal, {}], ['abort']]) {
      t.is((await errorOf(run(1000, { signal: bad }))).code, 'ERR_INVALID_ARG_TYPE')
    }
  })

  test.serial(`${name}: an abort after the end does nothing`, async (t) => {
    const controller = new AbortController()
    const task = run(1000, { signal: controller.signal })
    t.is(await task, 1000)
    controller.abort()
    t.is(await task, 1000)
    t.is(await run(1000), 1000, 'and the next task goes on')
  })

  test.serial(`${name}: an abort beside another signal's task stops only its own`, async (t) => {
    const [one, other] = [new AbortController(), new AbortController()]
    const stopped = errorOf(run(ENDLESS, { signal: one.signal }))
    const goesOn = run(1e8, { signal: other.signal })
    one.abort()
    isAbort(t, await stopped, one.signal.reason)
    t.is(await goesOn, 1e8)
  })

  test.serial(`${name}: has one listener while there are tasks, and none after`, async (t) => {
    const warnings = []
    const note = (warning) => warnings.push(warning)
    process.on('warning', note)
    const controller = new AbortController()
    const { signal } = controller
    const tasks = Array.from({ length: 1000 }, () => run(1, { signal }))
    t.is(listeners(signal), 1)
    await Promise.all(tasks)
    t.is(listeners(signal), 0)
    for (let number = 0; number < 30; number++) await run(1, { signal })
    t.is(listeners(signal), 0)
    const aborted = Array.from({ length: 30 }, () => errorOf(run(ENDLESS, { signal })))
    t.is(listeners(signal), 1)
    controller.abort()
    t.is(listeners(signal), 0)
    await Promise.all(aborted)
    const failed = errorOf(run(-1, { signal: new AbortController().signal }))
    t.is((await failed).code, 'ERR_OUT_OF_RANGE')
    await turns(2)
    process.off('warning', note)
    t.deepEqual(
      warnings.filter(({ name }) => name === 'MaxListenersExceededWarning'),
      [],
    )
  })

  test.serial(`${name}: a refused call leaves no listener behind`, async (t) => {
    const { signal } = new AbortController()
    for (const [input, options] of [
      [-1, {}],
      [1, { timeout: -1 }],
      ['5', {}],
    ]) {
      await errorOf(run(input, { ...options, signal }))
      t.is(listeners(signal), 0)
    }
  })
}

test.serial('an aborted task does not start', async (t) => {
  const signal = AbortSignal.abort()
  for (const run of [heavyLoadShared, heavyLoadSharedAsync]) {
    const view = new Uint32Array(4).fill(1)
    isAbort(t, await errorOf(run(view, { transfer: true, signal })), signal.reason)
    t.deepEqual([...view], [1, 1, 1, 1], 'the memory stays with the caller, unchanged')
  }
  const pool = new Pool({ threads: 1 })
  await errorOf(heavyLoad(ENDLESS, { pool, signal }))
  t.like(pool.stats(), { queued: 0, running: 0, wait: { count: 0 } })
  await pool.close()
})

test.serial('a queued task is aborted, and never runs', async (t) => {
  const pool = new Pool({ threads: 1 })
  const [running, queued] = [new AbortController(), new AbortController()]
  const first = errorOf(heavyLoad(ENDLESS, { pool, priority: 'high', signal: running.signal }))
  const view = new Uint32Array(new SharedArrayBuffer(16)).fill(1)
  const second = errorOf(heavyLoadShared(view, { pool, priority: 'low', signal: queued.signal }))
  await turns(5)
  queued.abort()
  isAbort(t, await second, queued.signal.reason)
  running.abort()
  isAbort(t, await first, running.signal.reason)
  t.is(await heavyLoad(1000, { pool }), 1000)
  await pool.close()
  t.deepEqual([...view], [1, 1, 1, 1])
})

test.serial('of several signals one cannot be listened to: the others are left alone', async (t) => {
  const { signal } = new AbortController()
  const broken = {
    aborted: false,
    addEventListener() {
      throw new Error('foreign')
    },
    removeEventListener() {},
  }
  t.is((await errorOf(heavyLoad(ENDLESS, { signal: [signal, broken] }))).message, 'foreign')
  t.is(listeners(signal), 0)
})

test.serial('a signal of another make that can be listened to again, after it could not', async (t) => {
  class Signal extends EventTarget {
    aborted = false
    broken = true
    addEventListener(...args) {
      if (this.broken) throw new Error('foreign')
      super.addEventListener(...args)
    }
  }
  const signal = new Signal()
  t.is((await errorOf(heavyLoad(ENDLESS, { signal }))).message, 'foreign')
  signal.broken = false
  const tasks = [errorOf(heavyLoad(ENDLESS, { signal })), errorOf(heavyLoad(ENDLESS, { signal }))]
  signal.aborted = true
  signal.reason = new Error('changed my mind')
  signal.dispatchEvent(new Event('abort'))
  for (const error of await Promise.all(tasks)) isAbort(t, error, signal.reason)
})
