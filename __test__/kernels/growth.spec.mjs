// The work is really done, and on all threads. Told from ratios within one run: times themselves say nothing on a
// machine that has other things to do.
import test from 'ava'
import { heavyLoad, heavyLoadAsync, heavyLoadShared, heavyLoadSync, Pool } from 'heavy-load'
import { formsOf } from '../helpers/forms.mjs'
import { turn } from '../helpers/turns.mjs'

/** About 10 ms on one thread. */
const STEPS = 5e7
const FACTOR = 16
const LEAST_ROUNDS = 3
const MOST_ROUNDS = 12

async function wallTime(run) {
  const start = performance.now()
  await run()
  return performance.now() - start
}

/** Of all threads together; a busy machine does not lengthen it. */
async function cpuTime(run) {
  const start = process.cpuUsage()
  await run()
  const { user, system } = process.cpuUsage(start)
  return user + system
}

/** Has runs take turns until the sums of their times are as they should be; gives the sums. */
async function sumsOf(time, runs, areGood) {
  const sums = runs.map(() => 0)
  for (let round = 1; round <= MOST_ROUNDS; round++) {
    for (const [index, run] of runs.entries()) sums[index] += await time(run)
    if (round >= LEAST_ROUNDS && areGood(sums)) break
  }
  return sums
}

for (const { name, run } of formsOf('heavyLoad')) {
  test.serial(`${name} takes ${FACTOR} times as long for ${FACTOR} times as many steps`, async (t) => {
    // A loop that the compiler has folded would give 1, a quadratic one 256: half and double of the true 16 are far
    // from both, and leave room for the cost of a call and for a clock rate that changes.
    const areGood = ([few, many]) => many > (few * FACTOR) / 2 && many < few * FACTOR * 2
    const sums = await sumsOf(cpuTime, [() => run(STEPS), () => run(FACTOR * STEPS)], areGood)
    t.true(areGood(sums), `microseconds: ${sums}`)
  })
}

test.serial('two threads take clearly less time than one', async (t) => {
  const steps = FACTOR * STEPS
  // At a niceness of 0, so that all threads are alike to the operating system.
  const pool = new Pool({ niceness: 0 })
  if (pool.threads < 2) {
    t.pass('one thread is all there is')
    return
  }
  const runs = [
    () => heavyLoadSync(steps),
    () => Promise.all([heavyLoadAsync(steps / 2), heavyLoadAsync(steps / 2)]),
    () => heavyLoad(steps, { pool, maxThreads: 2 }),
  ]
  // Two whole cores take half the time, one core takes all of it: 0.8 is far from either, for cores that share their
  // caches, power and hyper-threads. A machine may have no two cores to give at the moment; then two plain threads are
  // the measure. That the pool's work at once, the next test shows on such a machine, too.
  const areGood = ([one, two, pooled]) => pooled < Math.max(0.8 * one, 1.5 * two)
  const sums = await sumsOf(wallTime, runs, areGood)
  await pool.close()
  t.true(areGood(sums), `milliseconds: ${sums}`)
})

/**
 * Whether two threads are seen at work on one task: one takes the elements in order, so that after a changed one no
 * unchanged one comes to light before it.
 */
async function isShared(pool, maxThreads) {
  // As many rounds as are done to an element at a time, before the next element's turn.
  const options = { pool, maxThreads, rounds: 65_536 }
  const view = new Uint32Array(new SharedArrayBuffer(4 * 1024)).fill(1)
  let settled = false
  const task = heavyLoadShared(view, options).finally(() => {
    settled = true
  })
  let found = false
  while (!found && !settled) {
    found = hasGap(view)
    await turn()
  }
  await task
  return found
}

/** From the end: what is read later has had more time to change. */
function hasGap(view) {
  let index = view.length - 1
  while (index >= 0 && Atomics.load(view, index) === 1) index--
  while (index >= 0 && Atomics.load(view, index) !== 1) index--
  return index >= 0
}

test.serial('two threads work on one task at the same time', async (t) => {
  const pool = new Pool({ threads: 2, niceness: 0 })
  let found = false
  // On a busy machine a task may pass without the second thread's getting a core.
  for (let round = 0; round < MOST_ROUNDS && !found; round++) found = await isShared(pool, 2)
  t.true(found)
  t.false(await isShared(pool, 1), 'one thread does not look like two')
  await pool.close()
})
