// What surrounds the package is not taken for granted: fake timers, hidden globals, a copied process, listeners removed.
import test from 'ava'
import { runFixture, runScript } from '../helpers/child.mjs'

const FAKES = `
  const names = ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'queueMicrotask', 'performance']
  const real = Object.fromEntries(names.map((name) => [name, globalThis[name]]))
  const realTick = process.nextTick
  const fake = () => {
    for (const name of names) {
      Object.defineProperty(globalThis, name, { value: name === 'performance' ? { now: () => 0 } : () => ({ unref() {} }), configurable: true, writable: true })
    }
    process.nextTick = () => {}
  }
  const restore = () => {
    for (const name of names) Object.defineProperty(globalThis, name, { value: real[name], configurable: true, writable: true })
    process.nextTick = realTick
  }
`

test.serial('fake timers hang no task, neither while they are there nor after', async (t) => {
  const { code, signal, stdout, stderr } = await runScript(`
    import { heavyLoad, heavyLoadAsync, Pool, spin } from 'heavy-load'
    ${FAKES}
    const pool = new Pool({ threads: 2 })
    fake()
    const many = await Promise.all(Array.from({ length: 2000 }, (_, number) => pool.run('heavyLoad', number)))
    const one = await heavyLoad(7)
    const async = await heavyLoadAsync(8)
    const late = await heavyLoad(1e13, { timeout: 20 }).catch(({ code }) => code)
    const progress = []
    await spin(200, { onProgress: (fraction) => progress.push(fraction) })
    const drained = new Promise((resolve) => pool.once('drain', resolve))
    await Promise.all(Array.from({ length: 50 }, () => pool.run('spin', 1)))
    await drained
    const closed = await pool.close({ timeout: 1000 })
    restore()
    console.log(JSON.stringify({ many: many.length, one, async, late, progress: progress.length > 1, after: await heavyLoad(9) }))
  `)
  t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
  t.deepEqual(JSON.parse(stdout), { many: 2000, one: 7, async: 8, late: 'ERR_TASK_TIMEOUT', progress: true, after: 9 })
})

test.serial('in a realm of its own, without the globals that one may lack', async (t) => {
  const { code, signal, stdout, stderr } = await runFixture('other-realm')
  t.deepEqual({ code, signal }, { code: 5, signal: null }, stderr)
  const { own, ...result } = JSON.parse(stdout)
  t.deepEqual(result, { load: 1000, moved: [1, 2, 3], left: 0, map: [0, 1, 2] })
  // What comes back is of that realm.
  t.deepEqual(own, { copied: true, moved: true, stats: true, buffer: true, given: true })
})

for (const gone of ["process.removeAllListeners('exit')", 'process.removeAllListeners()']) {
  test.serial(`${gone}: process.exit() waits for no AsyncTask`, async (t) => {
    const { code, signal, stderr } = await runScript(`
      import { heavyLoadAsync } from 'heavy-load'
      let running = 0
      const onProgress = () => {
        if (++running < 4) return
        ${gone}
        process.exit(3)
      }
      for (let number = 0; number < 100; number++) heavyLoadAsync(1e13, { onProgress }).catch(() => {})
    `)
    t.deepEqual({ code, signal }, { code: 3, signal: null }, stderr)
  })
}

test.serial('fake timers that were there before the package hang no task either', async (t) => {
  const { code, signal, stdout, stderr } = await runScript(`
    import { mock } from 'node:test'
    mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate'] })
    const { heavyLoad, heavyLoadAsync, Pool } = await import('heavy-load')
    const pool = new Pool({ threads: 2 })
    for (let number = 0; number < 100; number++) await heavyLoad(number)
    const many = await Promise.all(Array.from({ length: 2000 }, (_, number) => pool.run('heavyLoad', number)))
    const late = await heavyLoad(1e13, { timeout: 20 }).catch(({ code }) => code)
    console.log(JSON.stringify([many.length, late, await heavyLoadAsync(8)]))
    await pool.close()
  `)
  t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
  t.deepEqual(JSON.parse(stdout), [2000, 'ERR_TASK_TIMEOUT', 8])
})

test.serial('process.exit() waits for no AsyncTask of worker threads', async (t) => {
  const { code, signal, stderr } = await runScript(`
    import 'heavy-load'
    import { Worker } from 'node:worker_threads'
    const source = \`
      import { parentPort } from 'node:worker_threads'
      import { spinAsync } from 'heavy-load'
      let told = false
      const onProgress = () => { if (!told) parentPort.postMessage('runs'); told = true }
      for (let number = 0; number < 4; number++) spinAsync(1e8, { onProgress }).catch(() => {})
    \`
    const workers = Array.from({ length: 4 }, () => new Worker(source, { eval: true }))
    // Whichever got libuv's four threads: the others' tasks wait behind its.
    for (const worker of workers) worker.once('message', () => process.exit(7))
  `)
  t.deepEqual({ code, signal }, { code: 7, signal: null }, stderr)
})

test.serial('a worker thread is terminated in the middle of the synchronous form', async (t) => {
  const { code, signal, stdout, stderr } = await runScript(`
    import { Worker } from 'node:worker_threads'
    const source = \`
      import { parentPort } from 'node:worker_threads'
      import { spinSync } from 'heavy-load'
      parentPort.postMessage('begins')
      spinSync(1e8)
    \`
    const worker = new Worker(source, { eval: true })
    worker.once('message', async () => console.log(await worker.terminate()))
  `)
  t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
  t.is(stdout, '1\n')
})

test.serial('an AsyncTask whose event loop is busy for long gives its thread back, and goes on', async (t) => {
  const { code, stdout, stderr } = await runScript(`
    import { heavyLoadAsync } from 'heavy-load'
    const aborts = new AbortController()
    const tasks = Array.from({ length: 12 }, (_, number) => heavyLoadAsync(2e8 + number))
    const aborted = heavyLoadAsync(1e13, { signal: aborts.signal }).catch(({ code }) => code)
    const timedOut = heavyLoadAsync(1e13, { timeout: 300 }).catch(({ code }) => code)
    await new Promise(setImmediate)
    for (const until = performance.now() + 700; performance.now() < until; );
    aborts.abort()
    console.log(JSON.stringify([await aborted, await timedOut, ...(await Promise.all(tasks))]))
  `)
  t.is(code, 0, stderr)
  const values = Array.from({ length: 12 }, (_, number) => 2e8 + number)
  t.deepEqual(JSON.parse(stdout), ['ABORT_ERR', 'ERR_TASK_TIMEOUT', ...values])
})

for (const what of ['progress', 'timeout']) {
  test.serial(`the timer of ${what} keeps no async context alive`, async (t) => {
    const { code, stdout, stderr } = await runFixture('forgotten-context', { flags: ['--expose-gc'], args: [what] })
    t.is(code, 0, stderr)
    t.is(stdout, 'gone\n')
  })
}

test.serial('no thread is pinned to some of the CPUs', async (t) => {
  const { code, stdout, stderr } = await runScript(`
    import { readdirSync, readFileSync } from 'node:fs'
    import { Pool } from 'heavy-load'
    const masks = () => readdirSync('/proc/self/task').map((id) =>
      /^Cpus_allowed:\\s*(.*)$/m.exec(readFileSync('/proc/self/task/' + id + '/status', 'utf8'))[1])
    const before = new Set(masks())
    const pool = new Pool({ threads: 2 })
    for (let number = 0; number < 5000; number++) await pool.run('heavyLoad', 1)
    console.log(JSON.stringify([before.size, new Set(masks()).size]))
  `)
  t.is(code, 0, stderr)
  t.deepEqual(JSON.parse(stdout), [1, 1])
})
