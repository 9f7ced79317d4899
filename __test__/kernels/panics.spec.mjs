// A panic costs one promise, never the process. This needs the addon with the kernel that misbehaves on purpose, which
// is loaded in a process of its own, in place of the other.
import test from 'ava'
import { runScript } from '../helpers/child.mjs'
import { testAddonFile } from '../helpers/test-addon-file.mjs'

/** Where `misbehave` panics, at the caller's wish, and the place that the error then names. */
const NAMED = {
  prepare: 'prepare',
  len: 'len',
  run: 'run',
  merge: 'merge',
  step: 'step',
  call: 'call',
  drop: 'drop',
  payload: undefined,
  next: 'len',
  // Twice: what panics first is what is told.
  'len, drop': 'len',
  'run, drop': 'run',
  'merge, drop': 'merge',
  'step, drop': 'step',
  'call, drop': 'call',
  'drop, drop': 'drop',
}
// Behind the border of plug-ins, a panic in a drop alone is printed, and its task has its result.
const isPlugged = process.env.HEAVY_LOAD_TEST_PLUGGED !== undefined
const PLACES = Object.keys(NAMED).filter((place) => !isPlugged || !place.startsWith('drop'))

/** Runs a script that has `forms`, the three of `misbehave`, and `outcome`; gives what it logs, as JSON. */
async function misbehave(t, body) {
  const { code, signal, stdout, stderr } = await runScript(
    `
    import { createRequire } from 'node:module'
    import * as api from 'heavy-load'
    const { asynchronous, pooled, synchronous } = createRequire(import.meta.url)('./lib/pool/forms.js')
    const inline = synchronous('misbehave')
    const forms = {
      pool: pooled('misbehave'),
      sync: async (...args) => inline(...args),
      libuv: asynchronous('misbehave'),
    }
    const outcome = (promise) => promise.catch(({ code, name, message }) => ({ code, name, message }))
    ${body}
    `,
    { env: { NAPI_RS_NATIVE_LIBRARY_PATH: testAddonFile() } },
  )
  t.is(signal, null, stderr)
  t.is(code, 0, stderr)
  return JSON.parse(stdout)
}

const PANIC = { code: 'ERR_KERNEL_PANIC', name: 'HeavyLoadError' }

for (const form of ['pool', 'sync', 'libuv']) {
  test(`${form}: a panic anywhere rejects, with its message`, async (t) => {
    const outcomes = await misbehave(
      t,
      `const outcomes = {}
      for (const place of ${JSON.stringify(PLACES)}) outcomes[place] = await outcome(forms.${form}(place))
      console.log(JSON.stringify(outcomes))`,
    )
    t.deepEqual(Object.keys(outcomes), PLACES)
    for (const [place, error] of Object.entries(outcomes)) {
      t.like(error, PANIC, place)
      const told = NAMED[place] === undefined ? 'unknown panic' : `on purpose: ${NAMED[place]}`
      t.is(error.message, `The kernel panicked: ${told}`, place)
    }
  })
}

test('every thread serves on, in all forms', async (t) => {
  // Were a panic to cost a thread, so many would leave none, and the rest would never end.
  const { pool, values } = await misbehave(
    t,
    `const pool = new api.Pool({ threads: 2 })
    const panics = []
    for (let round = 0; round < 10; round++) {
      for (const place of ${JSON.stringify(PLACES)}) {
        panics.push(outcome(forms.pool(place, { pool })), outcome(forms.libuv(place)), outcome(forms.sync(place)))
      }
    }
    for (const { code } of await Promise.all(panics)) {
      if (code !== '${PANIC.code}') throw new Error(code)
    }
    const values = await Promise.all([
      api.heavyLoad(1e7, { pool }),
      ...Array.from({ length: 8 }, () => api.heavyLoad(1e6)),
      ...Array.from({ length: 8 }, () => api.heavyLoadAsync(1e6)),
      api.heavyLoadSync(1e6),
    ])
    const { threads, queued, running, failed, completed } = pool.stats()
    console.log(JSON.stringify({ pool: { threads, queued, running, failed, completed }, values }))
    await pool.close()`,
  )
  t.deepEqual(values, [1e7, ...Array(17).fill(1e6)])
  // What panics while it is prepared has failed, too: its caller has seen it.
  t.deepEqual(pool, { threads: 2, queued: 0, running: 0, failed: 10 * PLACES.length, completed: 1 })
})

test('tasks beside one that panics are not harmed', async (t) => {
  const { values, codes } = await misbehave(
    t,
    `const tasks = Array.from({ length: 20 }, () => api.heavyLoad(5e6))
    const panics = ${JSON.stringify(PLACES)}.map((place) => outcome(forms.pool(place)))
    const codes = (await Promise.all(panics)).map(({ code }) => code)
    console.log(JSON.stringify({ codes, values: await Promise.all(tasks) }))`,
  )
  t.deepEqual(codes, Array(PLACES.length).fill(PANIC.code))
  t.deepEqual(values, Array(20).fill(5e6))
})
