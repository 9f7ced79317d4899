// Code of the caller's that throws where it is called by ours: it costs its own task at most, and nobody else's.
import test from 'ava'
import { runScript } from './helpers/child.mjs'

/** What throws, as code that gives the options of one task in three. */
const FOREIGN = {
  'a signal whose removeEventListener throws': `
    class Signal extends EventTarget {
      aborted = false
      removeEventListener() { throw new Error('foreign') }
    }
    const options = () => ({ signal: new Signal() })
  `,
  'a metrics sink that throws': `
    import { createRequire } from 'node:module'
    import { instrument } from 'heavy-load/metrics'
    const boom = () => { throw new Error('foreign') }
    const nothing = { addCallback() {}, removeCallback() {} }
    const meter = {
      createCounter: () => ({ add: boom }),
      createHistogram: () => ({ record: boom }),
      createObservableGauge: () => nothing,
      createObservableUpDownCounter: () => nothing,
    }
    const stop = instrument(meter)
    const options = () => ({})
  `,
  'a callback of progress that throws': `
    const options = () => ({ onProgress() { throw new Error('foreign') } })
    const rejects = true
  `,
}

for (const [name, code] of Object.entries(FOREIGN)) {
  test.serial(`${name}: every promise settles with the truth`, async (t) => {
    const {
      code: exit,
      signal,
      stdout,
      stderr,
    } = await runScript(`
      import { heavyLoadAsync, Pool } from './index.js'
      ${code}
      const caught = []
      process.on('uncaughtException', (error) => caught.push(error.message))
      const pool = new Pool({ threads: 2, name: 'foreign' })
      const run = (number) => {
        const own = number % 3 === 0 ? options() : {}
        if (number % 5 === 0) return heavyLoadAsync(1000 + number, own)
        return pool.run('heavyLoad', 1000 + number, own)
      }
      const settled = await Promise.allSettled(Array.from({ length: 600 }, (_, number) => run(number)))
      const right = settled.filter(({ value, reason }, number) =>
        value === 1000 + number || (${code.includes('rejects')} && number % 3 === 0 && reason?.message === 'foreign'))
      const fresh = await pool.run('heavyLoad', 7)
      const { completed, cancelled, queued, running } = pool.stats()
      await pool.close()
      await new Promise(setImmediate)
      console.log(JSON.stringify({
        right: right.length, fresh, ended: completed + cancelled, queued, running,
        caught: [...new Set(caught)], threw: caught.length > 0,
      }))
    `)
    t.deepEqual({ exit, signal }, { exit: 0, signal: null }, stderr)
    const { threw, caught, ...rest } = JSON.parse(stdout)
    // Every fifth went to libuv's threads.
    t.deepEqual(rest, { right: 600, fresh: 7, ended: 480 + 1, queued: 0, running: 0 })
    t.is(threw, !code.includes('rejects'), 'and the error is not swallowed')
    if (threw) t.deepEqual(caught, ['foreign'])
  })
}

test.serial('a view whose prototype is a proxy that throws: the others keep their values', async (t) => {
  const { code, stdout, stderr } = await runScript(`
    import { Pool, sort } from './index.js'
    const pool = new Pool({ threads: 2 })
    let armed = false
    const trap = () => { if (armed) throw new Error('foreign') }
    const handler = { getPrototypeOf: (target) => (trap(), Reflect.getPrototypeOf(target)), get: (...args) => (trap(), Reflect.get(...args)) }
    const hostile = (length) => Object.setPrototypeOf(new Uint8Array(new SharedArrayBuffer(length)), new Proxy(Uint8Array.prototype, handler))
    const tasks = []
    for (let number = 0; number < 60; number++) {
      tasks.push(number % 6 === 0 ? sort(hostile(8), { pool }) : sort(Uint8Array.of(3, number, 1), { pool }))
    }
    armed = true
    const settled = await Promise.allSettled(tasks)
    armed = false
    const right = settled.filter(({ value }, number) =>
      number % 6 !== 0 && value?.join() === Uint8Array.of(3, number, 1).sort().join())
    console.log(JSON.stringify({ right: right.length, fresh: await pool.run('heavyLoad', 7) }))
  `)
  t.is(code, 0, stderr)
  t.deepEqual(JSON.parse(stdout), { right: 50, fresh: 7 })
})
