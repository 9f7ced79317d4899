// `timeout` bounds queue and run together, in all three forms.
import '../helpers/test-addon.mjs'
import test from 'ava'
import { HeavyLoadError, heavyLoad, heavyLoadAsync, Pool } from 'heavy-load'
import { runScript } from '../helpers/child.mjs'
import { errorOf } from '../helpers/errors.mjs'
import { formsOf } from '../helpers/forms.mjs'

/** More steps than any machine counts within a test. */
const ENDLESS = 1e12
/** One past the longest that setTimeout takes: it would fire at once. */
const PAST_TIMERS = 2 ** 31

let steps = 1e11
/** Endless inputs, each of another magnitude: what is known of one says nothing of the next. */
function endless() {
  steps *= 2
  return steps
}

function isTimeout(t, error, about) {
  t.is(error.code, 'ERR_TASK_TIMEOUT', `${about}: ${error.message}`)
  t.is(error.name, 'TimeoutError', about)
  t.true(error instanceof HeavyLoadError, about)
}

// One after the other: they would wait for each other.
for (const { name, run } of formsOf('heavyLoad')) {
  test.serial(`${name}: stops when its time is over`, async (t) => {
    for (const timeout of [0.5, 30]) isTimeout(t, await errorOf(run(endless(), { timeout })), `${timeout} ms`)
    t.is(await run(1000, { timeout: 10_000 }), 1000, 'the next one runs')
  })

  test.serial(`${name}: does not stop before`, async (t) => {
    const start = performance.now()
    isTimeout(t, await errorOf(run(endless(), { timeout: 50 })), name)
    // Other processes can only make it later; timers may be a millisecond early.
    t.true(performance.now() - start >= 49)
  })
}

for (const { name, run } of formsOf('spin')) {
  test.serial(`${name}: gives its value if the time is enough`, async (t) => {
    for (const timeout of [60_000, PAST_TIMERS - 1, PAST_TIMERS, 2 ** 40, Number.MAX_VALUE, Infinity]) {
      t.true((await run(20, { timeout })) >= 20, String(timeout))
    }
  })
}

test.serial('an abort comes before a timeout that is still to come, and after it does nothing', async (t) => {
  for (const run of [heavyLoad, heavyLoadAsync]) {
    const first = new AbortController()
    const aborted = errorOf(run(endless(), { timeout: 60_000, signal: first.signal }))
    first.abort()
    t.is((await aborted).code, 'ABORT_ERR')

    const second = new AbortController()
    const late = run(endless(), { timeout: 5, signal: second.signal })
    isTimeout(t, await errorOf(late), run.name)
    second.abort()
    isTimeout(t, await errorOf(late), run.name)
  }
})

test.serial('the time in the queue counts, and what is late never runs', async (t) => {
  const pool = new Pool({ threads: 1 })
  // It does not say how far it is: nobody can know that the other will be late.
  const running = pool.run('hold', 0, { ms: 1000, atOnce: true, priority: 'high' })
  const view = new Uint32Array(new SharedArrayBuffer(4)).fill(1)
  isTimeout(t, await errorOf(pool.run('heavyLoadShared', view, { priority: 'low', timeout: 20 })), 'queued')
  await running
  t.is(await heavyLoad(1000, { pool }), 1000)
  await pool.close()
  t.is(view[0], 1)
})

for (const { name, run } of formsOf('heavyLoad')) {
  test.serial(`${name}: the error says of which kernel, after how long, and where the time went`, async (t) => {
    let timeout = 15
    let message
    do {
      // On a busy machine it may not begin in time.
      timeout *= 2
      message = (await errorOf(run(endless(), { timeout }))).message
    } while (message.endsWith('did not begin') && timeout < 10_000)
    const said = new RegExp(
      `^heavyLoad was not done within its timeout of ${timeout} ms: it waited for ([\\d.]+) ms and ran for ([\\d.]+) ms$`,
    )
    t.regex(message, said)
    const [, waited, ran] = said.exec(message)
    // What is not in it: the time until the call reached the pool, and a part that was running while it was told to stop.
    t.true(Number(waited) + Number(ran) >= timeout / 2, message)
    t.true(Number(ran) > 0, message)
  })
}

test.serial('so does that of a task that waited all the time', async (t) => {
  const pool = new Pool({ threads: 1 })
  const running = pool.run('hold', 0, { ms: 500, atOnce: true, priority: 'high' })
  const { message } = await errorOf(pool.run('heavyLoad', 1e8, { priority: 'low', timeout: 20 }))
  t.regex(message, /^heavyLoad was not done within its timeout of 20 ms: it waited for [\d.]+ ms and did not begin$/)
  await running
  await pool.close()
})

test.serial('a timeout that is left over does not keep the process alive', async (t) => {
  // A timer of 24 days.
  const options = `{ timeout: ${PAST_TIMERS - 1} }`
  const { code, signal, stdout, stderr } = await runScript(`
    import { heavyLoad, heavyLoadAsync, heavyLoadSync } from 'heavy-load'
    const controller = new AbortController()
    const aborted = [heavyLoad, heavyLoadAsync].map((run) =>
      run(${ENDLESS}, { ...${options}, signal: controller.signal }).catch(({ code }) => code))
    controller.abort()
    const values = [heavyLoad(10, ${options}), heavyLoadAsync(10, ${options}), heavyLoadSync(10, ${options})]
    console.log(JSON.stringify(await Promise.all([...values, ...aborted])))
  `)
  t.is(signal, null, 'it ended by itself')
  t.is(code, 0, stderr)
  t.deepEqual(JSON.parse(stdout), [10, 10, 10, 'ABORT_ERR', 'ABORT_ERR'])
})

test.serial('a task keeps the process alive until its timeout', async (t) => {
  for (const form of ['heavyLoad', 'heavyLoadAsync']) {
    const { code, stdout, stderr } = await runScript(`
      import { ${form} } from 'heavy-load'
      ${form}(${ENDLESS}, { timeout: 50 }).catch(({ code }) => console.log(code))
    `)
    t.is(code, 0, stderr)
    t.is(stdout, 'ERR_TASK_TIMEOUT\n', form)
  }
})

test.serial('many at once, alike and different: none before its time', async (t) => {
  // Where nobody is refused because his time will not do.
  const early = []
  const ended = { 90: 0, 30.5: 0, 60: 0 }
  const tasks = Array.from({ length: 600 }, async (_, number) => {
    const timeout = [90, 30.5, 60, 60_000][number % 4]
    const own = new AbortController()
    const start = performance.now()
    const task = errorOf(heavyLoadAsync(ENDLESS, { timeout, signal: own.signal }))
    // The first, the last and some in between leave before.
    if (timeout === 60_000 || number < 12 || number > 587 || number % 5 === 0) {
      own.abort()
      t.is((await task).code, 'ABORT_ERR')
      return
    }
    isTimeout(t, await task, `${timeout} ms`)
    if (performance.now() - start < timeout) early.push(timeout)
    ended[timeout]++
  })
  await Promise.all(tasks)
  t.deepEqual(early, [])
  for (const count of Object.values(ended)) t.true(count > 100)
  // Another with a timeout that has been in use.
  isTimeout(t, await errorOf(heavyLoadAsync(ENDLESS, { timeout: 30.5 })), 'again')
})

test.serial(
  'what is done in its time is no timeout, though the event loop was busy past the time of many',
  async (t) => {
    const pool = new Pool({ threads: 2 })
    const tasks = Array.from({ length: 200 }, (_, number) =>
      pool.run('heavyLoad', number, { timeout: 2000 + (number % 3) }),
    )
    for (const until = performance.now() + 2200; performance.now() < until; );
    t.deepEqual(
      await Promise.all(tasks),
      Array.from({ length: 200 }, (_, number) => number),
    )
    await pool.close()
  },
)
