// Code of the caller's that throws where it is called by ours: it costs its own task at most, and nobody else's.
import test from 'ava'
import { runScript } from '../helpers/child.mjs'

/** What throws, as code that gives the options of one task in three. */
const FOREIGN = {
  'a signal whose removeEventListener throws': `
    class Signal extends EventTarget {
      aborted = false
      removeEventListener() { throw new Error('foreign') }
    }
    const options = () => ({ signal: new Signal() })
    const outcome = 'uncaught'
  `,
  'OpenTelemetry instruments that throw': `
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
    const outcome = 'warned'
  `,
  'collectors of Prometheus that throw': `
    import { registerMetrics } from 'heavy-load/metrics'
    import { Registry } from 'prom-client'
    const register = new Registry()
    registerMetrics(register)
    const boom = () => { throw new Error('foreign') }
    for (const metric of register.getMetricsAsArray()) Object.assign(metric, { inc: boom, observe: boom })
    const options = () => ({})
    const outcome = 'warned'
  `,
  'a callback of progress that throws': `
    const options = () => ({ onProgress() { throw new Error('foreign') } })
    const outcome = 'rejects'
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
      import { heavyLoadAsync, Pool } from 'heavy-load'
      ${code}
      const caught = []
      const warned = []
      process.on('uncaughtException', (error) => caught.push(error.message))
      process.on('warning', ({ name, message }) => warned.push([name, message]))
      const pool = new Pool({ threads: 2, name: 'foreign' })
      const run = (number) => {
        const own = number % 3 === 0 ? options() : {}
        if (number % 5 === 0) return heavyLoadAsync(1000 + number, own)
        return pool.run('heavyLoad', 1000 + number, own)
      }
      const settled = await Promise.allSettled(Array.from({ length: 600 }, (_, number) => run(number)))
      const right = settled.filter(({ value, reason }, number) =>
        value === 1000 + number || (outcome === 'rejects' && number % 3 === 0 && reason?.message === 'foreign'))
      const fresh = await pool.run('heavyLoad', 7)
      const { completed, cancelled, queued, running } = pool.stats()
      await pool.close()
      await new Promise(setImmediate)
      console.log(JSON.stringify({
        outcome, right: right.length, fresh, ended: completed + cancelled, queued, running,
        caught: [...new Set(caught)], warned,
      }))
    `)
    t.deepEqual({ exit, signal }, { exit: 0, signal: null }, stderr)
    const { outcome, caught, warned, ...rest } = JSON.parse(stdout)
    // Every fifth went to libuv's threads.
    t.deepEqual(rest, { right: 600, fresh: 7, ended: 480 + 1, queued: 0, running: 0 })
    t.deepEqual(caught, outcome === 'uncaught' ? ['foreign'] : [], 'and the error is not swallowed')
    const warning = ['HeavyLoadWarning', 'A metric was not recorded: foreign']
    t.deepEqual(warned, outcome === 'warned' ? [warning] : [], 'nor said of every task')
  })
}

test.serial('a view whose prototype is a proxy that throws: the others keep their values', async (t) => {
  const { code, stdout, stderr } = await runScript(`
    import { Pool, sort } from 'heavy-load'
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

/** Each prints what became of it, as JSON. */
const SCRIPTS = {
  'a result whose prototype is a proxy that throws at the end': {
    source: `
      import { Pool, sort } from 'heavy-load'
      const pool = new Pool({ threads: 1 })
      let armed = false
      const handler = { getPrototypeOf(target) { if (armed) throw new Error('foreign'); return Reflect.getPrototypeOf(target) } }
      const view = Buffer.from(new SharedArrayBuffer(3))
      Object.setPrototypeOf(view, new Proxy(Object.create(Buffer.prototype), handler))
      const sorted = sort(view, { pool })
      armed = true
      const same = (await sorted) === view
      armed = false
      console.log(JSON.stringify([same, pool.stats().completed]))
    `,
    expected: [true, 1],
  },
  'an option whose getter throws something hostile': {
    source: `
      import { freeze, hash, Pool } from 'heavy-load'
      const pool = new Pool({ threads: 1 })
      const hostile = new Proxy({}, { get() { throw new Error('foreign') }, getPrototypeOf() { throw new Error('foreign') } })
      const frozen = freeze(new Uint8Array(8))
      const same = await hash(frozen, { pool, get encoding() { throw hostile } }).catch((error) => error === hostile)
      frozen.thaw()
      await pool.close()
      console.log(JSON.stringify([same, frozen.byteLength]))
    `,
    expected: [true, 0],
  },
  'a signal that has its pool closed while it is listened to': {
    source: `
      import { Pool } from 'heavy-load'
      const pool = new Pool({ threads: 1 })
      const reports = []
      const signal = { aborted: false, addEventListener() { pool.close({ force: true }) }, removeEventListener() {} }
      const error = await pool.run('spin', 1e6, { signal, timeout: 1e6, onProgress: (fraction) => reports.push(fraction) }).catch(({ code }) => code)
      await pool.close()
      // Whoever has the slot now makes progress of its own.
      const other = new Pool({ threads: 1 })
      await other.run('spin', 200, { onProgress() {} })
      await other.close()
      console.log(JSON.stringify([error, reports.length]))
    `,
    expected: ['ERR_POOL_CLOSED', 0],
  },
  'a signal whose reason cannot be read': {
    source: `
      import { spin, spinAsync } from 'heavy-load'
      const uncaught = new Promise((resolve) => process.on('uncaughtException', ({ message }) => resolve(message)))
      let fire
      const signal = { aborted: false, get reason() { throw new Error('foreign') }, addEventListener(_, listener) { fire = listener }, removeEventListener() {} }
      const tasks = [spin(1e6, { signal }), spinAsync(1e6, { signal })].map((task) => task.catch(({ code }) => code))
      signal.aborted = true
      fire()
      console.log(JSON.stringify([...(await Promise.all(tasks)), await uncaught]))
    `,
    expected: ['ABORT_ERR', 'ABORT_ERR', 'foreign'],
  },
  'a getter that closes the pool': {
    source: `
      import { Pool } from 'heavy-load'
      const results = []
      for (const name of ['key', 'timeout', 'weight', 'priority', 'onProgress', 'maxThreads', 'signal']) {
        const pool = new Pool({ threads: 1 })
        const busy = pool.run('spin', 20).catch(() => {})
        let closed
        const options = { get [name]() { closed ??= pool.close({ force: true }); return undefined } }
        results.push(await pool.run('spin', 1e6, options).catch(({ code }) => code))
        await closed
        await busy
      }
      console.log(JSON.stringify([...new Set(results)]))
    `,
    expected: ['ERR_POOL_CLOSED'],
  },
}

for (const [name, { source, expected }] of Object.entries(SCRIPTS)) {
  test.serial(name, async (t) => {
    const { code, signal, stdout, stderr } = await runScript(source)
    t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
    t.deepEqual(JSON.parse(stdout), expected)
  })
}
