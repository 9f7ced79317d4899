// 500 jobs while workers are killed and Redis is restarted: each is done right, and told once.
import { createHash } from 'node:crypto'
import test from 'ava'
import { randomFrom } from './helpers/pool-random.mjs'
import { startRedis, withRedis } from './helpers/redis.mjs'
import { nothingLeft, openClient, openRemote } from './helpers/remote-open.mjs'
import { forkWorker } from './helpers/remote-worker.mjs'

const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 32)
const JOBS = 500
const WORKERS = 3
const KILLS = 5
const LOCK = { lockDuration: 500, stalledInterval: 150, concurrency: 8 }

withRedis(test, 'remote pools in chaos', () => {
  test.serial(`${JOBS} jobs, ${KILLS} deaths of workers, one of Redis`, async (t) => {
    const random = randomFrom(SEED)
    const below = (limit) => Math.floor(random() * limit)
    const redis = await startRedis({ appendonly: true })
    t.teardown(redis.stop)
    // Whoever has bad luck is on a worker each time that one dies.
    const remote = openRemote(t, redis, { attempts: 3 + KILLS })
    const client = openClient(t, redis)
    const workers = []
    const start = async (at) => {
      workers[at] = await forkWorker(t, redis, remote, LOCK)
    }
    await Promise.all(Array.from({ length: WORKERS }, (_, at) => start(at)))

    // When so many have been told, something dies.
    const blows = Array.from({ length: KILLS }, () => 20 + below(JOBS - 60)).map((after) => ({ after, what: 'worker' }))
    blows.push({ after: 20 + below(JOBS - 60), what: 'redis', signal: ['SIGTERM', 'SIGKILL'][below(2)] })
    blows.sort((one, other) => one.after - other.after)
    const story = JSON.stringify(blows)
    const told = Array(JOBS).fill(0)
    let done = 0
    let striking = Promise.resolve()
    const strike = async ({ what, signal }) => {
      if (what === 'redis') {
        await redis.end(signal)
        await redis.restart()
      } else {
        const at = below(WORKERS)
        await workers[at].kill()
        await start(at)
      }
    }

    const right = await Promise.all(
      Array.from({ length: JOBS }, async (_, number) => {
        const { call, check } = job(below, number)
        const value = await call(remote)
        told[number]++
        done++
        while (blows.length > 0 && blows[0].after <= done) {
          const blow = blows.shift()
          striking = striking.then(() => strike(blow))
        }
        return check(value)
      }),
    ).catch((error) => t.fail(`SEED=${SEED} ${story} ${error.stack}`))
    await striking
    t.is(blows.length, 0)
    t.deepEqual(
      told.flatMap((times, number) => (times === 1 && right?.[number] ? [] : [number])),
      [],
      `SEED=${SEED} ${story}`,
    )
    await nothingLeft(t, client, remote)
  })
})

/** Of a kernel, a size and a priority by chance. */
function job(below, number) {
  const options = { priority: ['high', 'normal', 'low'][below(3)] }
  switch (below(4)) {
    case 0: {
      const ms = 5 + below(20)
      return { call: (remote) => remote.run('spin', ms, options), check: (value) => value >= ms }
    }
    case 1: {
      const iterations = number * 1000
      return { call: (remote) => remote.run('heavyLoad', iterations, options), check: (value) => value === iterations }
    }
    case 2: {
      const bytes = Buffer.alloc(1 + below(200_000), number)
      const digest = createHash('sha256').update(bytes).digest('hex')
      return {
        call: (remote) => remote.run('hash', bytes, { ...options, algorithm: 'sha256', encoding: 'hex' }),
        check: (value) => value === digest,
      }
    }
    default: {
      const numbers = Float64Array.from({ length: 1 + below(5000) }, () => below(1e6))
      const sorted = numbers.toSorted()
      return {
        call: (remote) => remote.run('sort', numbers, { ...options, transfer: true }),
        check: (value) => Buffer.from(value.buffer).equals(Buffer.from(sorted.buffer)),
      }
    }
  }
}
