// Tests that need a real Redis, which is each file's own.
import { redisIsInstalled, startRedis } from '../../tools/redis.mjs'

const MISSING = 'redis-server is missing: node scripts/system-packages.mjs redis-server'

/**
 * Defines tests that need Redis. Where there is none, that is an error in CI, and elsewhere said loudly.
 * @param {any} test ava's
 * @param {string} what is tested
 * @param {() => void} define
 */
export function withRedis(test, what, define) {
  if (redisIsInstalled) define()
  else if (process.env.CI) test(`${what}, with Redis`, (t) => t.fail(MISSING))
  else {
    console.warn(`\n*** NOT TESTED: ${what}. ${MISSING} ***\n`)
    test.skip(`${what}, with Redis (${MISSING})`, () => {})
  }
}

/**
 * One for all tests of a file: what `startRedis` gives, once the first test begins.
 * @param {any} test ava's
 * @param {Parameters<typeof startRedis>[0]} [options]
 * @returns {Awaited<ReturnType<typeof startRedis>>}
 */
export function redisFor(test, options) {
  const redis = /** @type {any} */ ({})
  test.before(async () => {
    Object.assign(redis, await startRedis(options))
  })
  test.after.always(() => redis.stop?.())
  return redis
}
