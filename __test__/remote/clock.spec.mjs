// lib/remote/clock.js: Redis's clock, by which deadlines are told, whatever becomes of this process meanwhile.
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'

const require = createRequire(import.meta.url)
const { Clock } = require('../../lib/remote/clock.js')

/** Redis's clock is two hours ahead, and `ahead` more. */
function fakeRedis() {
  const redis = { ahead: 7_200_000, asked: 0, before: async () => {}, after: async () => {} }
  redis.truth = () => Date.now() + redis.ahead
  redis.time = async () => {
    redis.asked++
    await redis.before()
    const now = redis.truth()
    await redis.after()
    return [String(Math.floor(now / 1e3)), String(Math.round((now % 1e3) * 1e3))]
  }
  return redis
}

const errorOf = async (clock, redis) => Math.abs((await clock.now()) - redis.truth())

/** Nothing runs in this process for so long. */
function standStill(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

for (const when of ['before', 'after']) {
  test.serial(`a process that stands still while it asks asks again: ${when} the answer`, async (t) => {
    const redis = fakeRedis()
    redis[when] = async () => {
      if (redis.asked === 1) standStill(1000)
    }
    const clock = new Clock(redis)
    await clock.set()
    t.true(redis.asked > 1)
    const error = await errorOf(clock, redis)
    t.true(error < 100, `${error} ms`)
  })
}

test.serial('of slow answers the quickest counts', async (t) => {
  const redis = fakeRedis()
  redis.after = () => sleep(redis.asked === 3 ? 80 : 400)
  const clock = new Clock(redis)
  await clock.set()
  const error = await errorOf(clock, redis)
  t.true(error < 100, `${error} ms`)
})

test.serial('a machine that slept, or whose time was set, asks again before it says what time it is', async (t) => {
  const redis = fakeRedis()
  const clock = new Clock(redis)
  await clock.set()
  const { asked } = redis
  await clock.now()
  t.is(redis.asked, asked)
  // performance.now() stands still while a machine sleeps, and Date.now() does not.
  const { now } = Date
  t.teardown(() => {
    Date.now = now
  })
  Date.now = () => now.call(Date) + 60_000
  t.true((await errorOf(clock, redis)) < 100)
  t.true(redis.asked > asked)
})

test.serial('it is asked again regularly, and nobody waits for it', async (t) => {
  const redis = fakeRedis()
  let later = 0
  const clock = new Clock(redis, () => performance.now() + later)
  await clock.set()
  const { now } = Date
  t.teardown(() => {
    Date.now = now
  })
  later = 60_000
  Date.now = () => now.call(Date) + later
  const { asked } = redis
  let answer = () => {}
  redis.before = () =>
    new Promise((resolve) => {
      answer = resolve
    })
  await clock.now()
  t.is(redis.asked, asked + 1)
  answer()
})
