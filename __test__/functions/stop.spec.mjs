// Calls that are stopped, or end their threads themselves: no other call hears of it, and nothing is left behind.
import { readdirSync } from 'node:fs'
import test from 'ava'
import { loadFunctions } from 'heavy-load'
import { runFixture } from '../helpers/child.mjs'
import { codeOf, errorOf } from '../helpers/errors.mjs'
import { idle, openPool } from '../helpers/pool.mjs'
import { until } from '../helpers/turns.mjs'

const url = new URL('../fixtures/functions.mjs', import.meta.url)
const onLinux = process.platform === 'linux' ? test.serial : test.skip
const threads = () => readdirSync('/proc/self/task').length

async function load(t, { threads = 2, ...options } = {}) {
  const pool = openPool(t, { threads })
  return { pool, functions: await loadFunctions(url, { pool, ...options }) }
}

for (const name of ['forever', 'never']) {
  test.serial(`stopping one ends its thread, and nothing else's call: ${name}`, async (t) => {
    const { pool, functions } = await load(t)
    const controller = new AbortController()
    const other = functions.steps([new Int32Array(new SharedArrayBuffer(4))], {
      signal: controller.signal,
      onProgress: () => {},
    })
    await until(() => pool.stats().running === 1)
    for (let round = 0; round < 3; round++) {
      const error = await errorOf(functions[name]([], { timeout: 30 }))
      t.is(error.code, 'ERR_TASK_TIMEOUT')
      t.is(await functions.add([round, 1]), round + 1)
    }
    t.is(pool.stats().running, 1)
    controller.abort()
    t.is(await codeOf(other), 'ABORT_ERR')
    await idle(pool)
  })
}

test.serial('a call that waits for its turn is never made', async (t) => {
  const { pool, functions } = await load(t, { threads: 1 })
  t.is(await functions.calledHere([]), 1)
  const [first, second] = [new AbortController(), new AbortController()]
  const running = functions.never([], { signal: first.signal })
  const waiting = functions.calledHere([], { signal: second.signal })
  await until(() => pool.stats().running === 1)
  second.abort()
  t.is(await codeOf(waiting), 'ABORT_ERR')
  first.abort()
  t.is(await codeOf(running), 'ABORT_ERR')
  await idle(pool)
})

test.serial('the next call does not wait for a start: a spare has the module already', async (t) => {
  const { pool, functions } = await load(t, { threads: 1 })
  // The thread that has loaded it, and the spare that is started when that is taken.
  const first = await functions.thread([])
  t.is(await codeOf(functions.forever([], { timeout: 20 })), 'ERR_TASK_TIMEOUT')
  const second = await functions.thread([])
  t.is(second, first + 1, 'the spare, and no thread that was started for this call')
  t.is(await codeOf(functions.forever([], { timeout: 20 })), 'ERR_TASK_TIMEOUT')
  t.is(await functions.thread([]), first + 2, 'one has been started for the one that was ended')
  await idle(pool)
})

test.serial('one that ends its thread, or lets it die, fails by itself', async (t) => {
  const { pool, functions } = await load(t, { resourceLimits: { maxOldGenerationSizeMb: 32 } })
  const exited = await errorOf(functions.exit([7]))
  t.is(exited.code, 'ERR_KERNEL_PANIC')
  t.regex(exited.message, /exit code 7/)
  t.is((await errorOf(functions.uncaught([]))).code, 'E_UNCAUGHT')
  t.is(await codeOf(functions.fill([])), 'ERR_WORKER_OUT_OF_MEMORY')
  t.is(await functions.add([1, 2]), 3)
  await idle(pool)
  t.is(pool.stats().failed, 3)
})

onLinux('there are as many threads as the pool lets run, and one; idle ones end', async (t) => {
  const { pool, functions } = await load(t, { idleTimeout: 200 })
  const before = threads()
  await Promise.all(Array.from({ length: 200 }, (_, n) => functions.later([n])))
  // That which loaded the module was there before.
  t.true(threads() <= before + 2, `${threads()} threads, ${before} before`)
  await until(() => threads() < before, 'all of them gone')
  t.is(await functions.add([1, 2]), 3)
  await until(() => threads() < before, 'all of them gone again')
  await idle(pool)
})

onLinux('a thousand aborts in a row leave no thread, handle or memory behind', async (t) => {
  const { code, stdout, stderr } = await runFixture('functions-aborts', {
    args: ['1000'],
    flags: ['--expose-gc'],
  })
  t.is(code, 0, stderr)
  const { first, last, isUndisturbed, other } = JSON.parse(stdout)
  t.true(isUndisturbed)
  t.is(other, 'ERR_POOL_CLOSED')
  t.is(last.threads, first.threads)
  t.is(last.handles, first.handles)
  t.true(last.files <= first.files, `${last.files} files, ${first.files} before`)
  t.true(last.heap < first.heap + (2 << 20), `${last.heap} bytes, ${first.heap} before`)
  t.true(last.rss < first.rss + (64 << 20), `${last.rss} bytes, ${first.rss} before`)
})

test.serial('a process ends with threads that are idle, and waits for calls', async (t) => {
  const { code, signal, stdout, stderr } = await runFixture('functions-end')
  t.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
  t.is(stdout, 'end of main\n3\nlater\n')
})

test.serial('a process ends though a call never does', async (t) => {
  const { code, signal } = await runFixture('functions-end', { args: ['exit'] })
  t.deepEqual({ code, signal }, { code: 4, signal: null })
})
