// Gates and functions with the options of a request: they end with it, and count for its Server-Timing.
import test from 'ava'
import { loadFunctions } from 'heavy-load'
import { offload } from 'heavy-load/express'
import { KINDS, serve, timingOf } from '../helpers/http-servers.mjs'
import { idle, openPool } from '../helpers/pool.mjs'
import { until } from '../helpers/turns.mjs'

const fixture = new URL('../fixtures/functions.mjs', import.meta.url)

for (const kind of KINDS) {
  test(`${kind}: they take the options of a route's tasks`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const functions = await loadFunctions(fixture, { pool })
    const pause = () => new Promise((resolve) => setTimeout(resolve, 20, 1))
    const route = offload(
      async (_request, task) => (await pool.gate(pause, task)) + (await functions.add([1, 2], { ...task, memory: 1 })),
      { pool, timeout: 60_000, key: () => 'client', maxThreads: 1 },
    )
    const { url, errors } = await serve(t, kind, route)
    const response = await fetch(url)
    t.is(await response.text(), '4')
    t.deepEqual(errors, [])
    t.true(timingOf(response).run >= 15)
  })

  test(`${kind}: they are stopped when the client has gone away`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    let signal
    const route = offload(
      (_request, task) =>
        pool.gate(
          (given) =>
            new Promise((resolve) => {
              signal = given.signal
              signal.addEventListener('abort', resolve)
            }),
          task,
        ),
      { pool },
    )
    const { url } = await serve(t, kind, route)
    const client = new AbortController()
    const left = fetch(url, { signal: client.signal }).catch(() => 'left')
    await until(() => signal !== undefined)
    client.abort()
    t.is(await left, 'left')
    await until(() => signal.aborted)
    await idle(pool)
    t.is(pool.stats().cancelled, 1)
  })
}
