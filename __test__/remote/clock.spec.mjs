// lib/remote/clock.js: Redis's clock, by which deadlines are told, whatever becomes of this process meanwhile.
import { createRequire } from 'node:module'
import test from 'ava'

const require = createRequire(import.meta.url)
const { Clock } = require('../../lib/remote/clock.js')

/** Redis's clock is two hours ahead of this machine's. */
const AHEAD = 7_200_000

/** Time that passes only when it is told to, on this machine and on Redis's; `day` is what Date.now() is ahead of performance.now(). */
function fakeTime(t) {
  const time = { steady: 1000, day: 1e12 }
  const { now } = Date
  t.teardown(() => {
    Date.now = now
  })
  Date.now = () => time.steady + time.day
  const redis = { asked: 0, before: async () => {}, after: async () => {} }
  redis.truth = () => Date.now() + AHEAD
  redis.time = async () => {
    redis.asked++
    await redis.before()
    const now = redis.truth()
    await redis.after()
    return [String(Math.floor(now / 1e3)), String(Math.round((now % 1e3) * 1e3))]
  }
  const clock = new Clock(redis, () => time.steady)
  return { time, redis, clock, errorNow: async () => Math.abs((await clock.now()) - redis.truth()) }
}

for (const when of ['before', 'after']) {
  test.serial(`a process that stands still while it asks asks again: ${when} the answer`, async (t) => {
    const { time, redis, clock, errorNow } = fakeTime(t)
    redis[when] = async () => {
      if (redis.asked === 1) time.steady += 1000
    }
    await clock.set()
    t.is(redis.asked, 2)
    t.is(await errorNow(), 0)
  })
}

test.serial('of slow answers the quickest counts', async (t) => {
  const { time, redis, clock, errorNow } = fakeTime(t)
  redis.after = async () => {
    time.steady += redis.asked === 3 ? 80 : 400
  }
  await clock.set()
  t.is(await errorNow(), 40, 'half of what it took')
})

test.serial('a machine that slept, or whose time was set, asks again before it says what time it is', async (t) => {
  const { time, redis, clock, errorNow } = fakeTime(t)
  await clock.set()
  const { asked } = redis
  await clock.now()
  t.is(redis.asked, asked)
  // performance.now() stands still while a machine sleeps, and Date.now() does not.
  time.day += 60_000
  t.is(await errorNow(), 0)
  t.true(redis.asked > asked)
})

test.serial('it is asked again regularly, and nobody waits for it', async (t) => {
  const { time, redis, clock } = fakeTime(t)
  await clock.set()
  const { asked } = redis
  let answer = () => {}
  redis.before = () =>
    new Promise((resolve) => {
      answer = resolve
    })
  time.steady += 60_000
  await clock.now()
  t.is(redis.asked, asked + 1)
  answer()
})
