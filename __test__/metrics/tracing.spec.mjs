// The tracing channel 'heavy-load.task', as Node's own channels are: what becomes of each call.
import { AsyncLocalStorage } from 'node:async_hooks'
import { tracingChannel } from 'node:diagnostics_channel'
import test from 'ava'
import { heavyLoad, heavyLoadAsync, spin } from 'heavy-load'
import { openPool, outcome } from '../helpers/pool.mjs'

const channel = tracingChannel('heavy-load.task')

/** Subscribes until the test ends; gives what was published. */
function listen(t) {
  const events = []
  const subscribers = Object.fromEntries(
    ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((name) => [
      name,
      ({ kernel, pool, id, error, result }) => events.push({ name, kernel, pool, id, error, result }),
    ]),
  )
  channel.subscribe(subscribers)
  t.teardown(() => channel.unsubscribe(subscribers))
  return events
}

test.serial('a task that ends well', async (t) => {
  const pool = openPool(t, { threads: 1, name: 'traced' })
  const events = listen(t)
  for (const call of [() => heavyLoad(10, { pool }), () => pool.run('heavyLoad', 10), () => pool.run(heavyLoad, 10)]) {
    events.length = 0
    t.is(await call(), 10)
    t.deepEqual(
      events.map(({ name }) => name),
      ['start', 'end', 'asyncStart', 'asyncEnd'],
    )
    t.is(new Set(events.map(({ id }) => id)).size, 1)
    for (const { kernel, pool } of events) t.deepEqual({ kernel, pool }, { kernel: 'heavyLoad', pool: 'traced' })
    t.is(events.at(-1).result, 10)
  }
})

test.serial('a task that fails, and a call that is refused', async (t) => {
  const pool = openPool(t, { threads: 1, name: 'traced' })
  const events = listen(t)
  const calls = {
    ERR_TASK_TIMEOUT: () => spin(1e9, { pool, timeout: 20 }),
    ERR_OUT_OF_RANGE: () => spin(-1, { pool }),
    ERR_UNKNOWN_KERNEL: () => pool.run('no kernel', 1),
    ABORT_ERR: () => spin(1, { pool, signal: AbortSignal.abort() }),
  }
  for (const [code, call] of Object.entries(calls)) {
    events.length = 0
    t.is(await outcome(call()), code)
    const names = events.map(({ name }) => name)
    t.deepEqual(names, ['start', 'end', 'error', 'asyncStart', 'asyncEnd'], code)
    t.is(events[2].error.code, code)
  }
})

test.serial('the AsyncTask form, and the default pool', async (t) => {
  const events = listen(t)
  await heavyLoadAsync(10)
  t.deepEqual([events[0].kernel, events[0].pool], ['heavyLoad', 'libuv'])
  events.length = 0
  await heavyLoad(10)
  t.deepEqual([events[0].kernel, events[0].pool], ['heavyLoad', 'heavy-load'])
})

test.serial('each call has an id of its own, and its context is kept', async (t) => {
  const pool = openPool(t, { threads: 2 })
  const events = listen(t)
  const storage = new AsyncLocalStorage()
  await Promise.all(
    Array.from({ length: 100 }, (_, number) =>
      storage.run(number, async () => {
        await heavyLoad(number, { pool })
        t.is(storage.getStore(), number)
      }),
    ),
  )
  const ids = events.filter(({ name }) => name === 'start').map(({ id }) => id)
  t.is(new Set(ids).size, 100)
  for (const { name, id, result } of events) if (name === 'asyncEnd') t.is(result, ids.indexOf(id))
})
